import { getRouteApi, useRouter } from '@tanstack/react-router';
import { SignInPage } from '@/features/auth/SignInPage.tsx';

const route = getRouteApi('/connexion');

/** The sign-in page; the guard of its own route then leads on to where the person wanted to go. */
export function SignInRoute() {
  route.useSearch();
  const router = useRouter();
  return <SignInPage onSignedIn={() => void router.invalidate()} />;
}

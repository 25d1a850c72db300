/** TanStack Query, set up for a product whose news arrives by itself. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './apiError.ts';
import { doubtSession } from './session.ts';

const MAX_RETRIES = 2;

/** A refusal stays a refusal: only silence and the server's own failures are worth another try. */
function isWorthRetrying(failures: number, error: Error): boolean {
  if (failures >= MAX_RETRIES) return false;
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}

/** An account that may not do what its screen offers is perhaps not what it was. A refused token is not told here: see `Refresher`. */
export function reportFailure(error: unknown): void {
  if (error instanceof ApiError && error.status === 403) doubtSession();
}

/** A query client; one per page, one per test. */
export function createQueryClient(): QueryClient {
  const report = { onError: reportFailure };
  return new QueryClient({
    queryCache: new QueryCache(report),
    mutationCache: new MutationCache(report),
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: isWorthRetrying,
        // Coming back to the tab already makes the realtime side refetch, once and with jitter.
        refetchOnWindowFocus: false,
      },
      // Danger: kept until the network returns, an act would be done after its person had given it up. It fails now.
      mutations: { networkMode: 'always' },
    },
  });
}

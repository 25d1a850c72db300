import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { startSession } from '@/features/auth/authSession.ts';
import { startI18n } from '@/i18n/i18n.ts';
import { createQueryClient } from '@/lib/queryClient.ts';
import { startBackend } from '@/lib/supabase.ts';
import { RealtimePlanProvider } from '@/providers/RealtimePlanProvider.tsx';
import { StartFailed } from './layout/StartFailed.tsx';
import { createAppRouter } from './router.tsx';
import './styles.css';

/** Configuration and language, session, screen: in this order, since each needs the one before. */
async function start(root: Root): Promise<void> {
  try {
    await Promise.all([startBackend(), startI18n()]);
    await startSession();
  } catch (error) {
    root.render(<StartFailed error={error} onRetry={() => void start(root)} />);
    return;
  }
  const queryClient = createQueryClient();
  const router = createAppRouter();
  root.render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RealtimePlanProvider>
          <RouterProvider router={router} />
        </RealtimePlanProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}

const element = document.getElementById('root');
if (!element) throw new Error('index.html has no #root');
void start(createRoot(element));

import { execFileSync } from 'node:child_process';
import { startDemoServer } from './demoServer.ts';

/** Builds the web app when its sources are newer, and starts one server for the whole run; the result stops it. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  execFileSync(process.execPath, ['scripts/setup.mjs'], { stdio: 'inherit' });
  const server = await startDemoServer();
  process.env['EPILOT_E2E_URL'] = server.url;
  process.env['EPILOT_E2E_DATABASE_URL'] = server.databaseUrl;
  return server.stop;
}

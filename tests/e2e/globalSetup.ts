import { startDemoServer } from './demoServer.ts';

/** One server for the whole run; the result stops it. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const server = await startDemoServer();
  process.env['EPILOT_E2E_URL'] = server.url;
  process.env['EPILOT_E2E_DATABASE_URL'] = server.databaseUrl;
  return server.stop;
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient } from '../../tests/helpers/api.ts';
import { type TestServer, startTestServer } from '../../tests/helpers/server.ts';
import { DEMO_PASSWORD } from '../demo.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('an import', () => {
  it('of ten thousand rows passes in one request; nothing else may be so large', async () => {
    const admin = createApiClient(server);
    await admin.auth.signInWithPassword({ email: 'vianney@lamarelle.demo', password: DEMO_PASSWORD });
    const { data: school } = await admin
      .from('schools')
      .select('id')
      .eq('status', 'active')
      .limit(1)
      .single<{ id: string }>();
    const rows = Array.from({ length: 10_000 }, (_, n) => ({
      first_name: `Prénom-${n}`,
      last_name: 'Nom-de-famille-assez-long',
      registration_number: `MAT-2025-${n}`,
      class_name: 'Terminale C 2',
      gender: n % 2 ? 'F' : 'M',
      birth_date: '2010-02-28',
    }));
    const imported = { p_rows: rows, p_mode: 'preview', p_school_id: school?.id };
    expect(JSON.stringify(imported).length).toBeGreaterThan(1_048_576);
    const preview = await admin.rpc('import_students', imported);
    expect([preview.error, preview.data]).toMatchObject([null, { total: 10_000, valid: 10_000 }]);
    const done = await admin.rpc('import_students', { ...imported, p_mode: 'first_that_fit' });
    const { ready } = preview.data as { ready: number };
    expect([done.error, done.data]).toMatchObject([null, { inserted: ready }]);
    expect((await admin.rpc('get_entitlements', imported)).status).toBe(413);
  });
});

import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';

/**
 * Makes the tables of schema `auth` that @supabase/lite signs people in with. May be run again.
 *
 * @param adminUrl connection URL of a superuser
 */
export async function createAuthSchema(adminUrl: string): Promise<void> {
  const connection = createPostgresConnection({
    url: adminUrl,
    postgresOptions: { max: 1, onnotice: () => {} },
  });
  try {
    await new App({ connection, auth: { enabled: true } }).ensureSystemSchema();
  } finally {
    await connection.close();
  }
}

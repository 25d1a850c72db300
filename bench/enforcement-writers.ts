/** Writers of students: many sessions of one database, each inserting one student a transaction. */
import pg from 'pg';
import type { BenchPostgres } from './postgres.ts';

const INSERT = {
  name: 'insert_student',
  text: `insert into public.students (school_group_id, school_id, first_name, last_name) values ($1, $2, 'Grâce', 'Mabiala')`,
};

export interface School {
  id: string;
  school_group_id: string;
}

export interface Load {
  perSecond: number;
  /** Duration of each insert, milliseconds. */
  durations: number[];
}

export class Writers implements AsyncDisposable {
  readonly clients: readonly pg.Client[];
  /** Every school, in the order of the codes. */
  readonly schools: readonly School[];

  private constructor(clients: pg.Client[], schools: School[]) {
    this.clients = clients;
    this.schools = schools;
  }

  /** Connects before any clock runs. */
  static async connect(postgres: BenchPostgres, database: string, count: number): Promise<Writers> {
    const clients = await Promise.all(
      Array.from({ length: count }, async () => {
        const client = new pg.Client({ connectionString: postgres.url(database) });
        await client.connect();
        return client;
      }),
    );
    const { rows } = await (clients[0] as pg.Client).query<School>(
      'select id, school_group_id from public.schools order by code',
    );
    return new Writers(clients, rows);
  }

  /** One of the sessions, while no writer works. */
  get client(): pg.Client {
    return this.clients[0] as pg.Client;
  }

  /** Lets every writer insert for that long, into these schools in turn. */
  async insertFor(ms: number, schools: readonly School[]): Promise<Load> {
    const durations: number[] = [];
    const began = performance.now();
    let turn = 0;
    await Promise.all(
      this.clients.map(async (client) => {
        for (let now = performance.now(); now < began + ms;) {
          // A stride that shares no factor with the number of groups visits all of them, neighbours far apart.
          await insertStudent(client, schools[(turn++ * 769) % schools.length] as School);
          const end = performance.now();
          durations.push(end - now);
          now = end;
        }
      }),
    );
    return { perSecond: (durations.length / (performance.now() - began)) * 1000, durations };
  }

  /**
   * Lets every writer insert into one school until it is refused.
   *
   * @param atMost students after which all stop, refused or not
   * @returns how many inserts succeeded, and the SQLSTATE of each refusal
   */
  async insertUntilRefused(
    school: School,
    atMost: number,
  ): Promise<{ inserted: number; refusals: string[] }> {
    let inserted = 0;
    const refusals: string[] = [];
    await Promise.all(
      this.clients.map(async (client) => {
        while (inserted < atMost) {
          try {
            await insertStudent(client, school);
          } catch (error) {
            refusals.push((error as pg.DatabaseError).code ?? String(error));
            return;
          }
          inserted += 1;
        }
      }),
    );
    return { inserted, refusals };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()));
  }
}

/** Inserts one student in a transaction of its own. */
export async function insertStudent(client: pg.Client, school: School): Promise<void> {
  await client.query({ ...INSERT, values: [school.school_group_id, school.id] });
}

/** Inserts many students into a school by one statement. */
export async function insertStudents(client: pg.Client, school: School, count: number): Promise<void> {
  await client.query(
    `insert into public.students (school_group_id, school_id, first_name, last_name)
     select $1, $2, 'Élève', 'n° ' || i from generate_series(1, $3::int) i`,
    [school.school_group_id, school.id, count],
  );
}

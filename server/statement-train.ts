/** Several statements that travel to PostgreSQL together, where one after the other costs a round trip each. */
import pg from 'pg';

/** The protocol's view of a session, which the types of `pg` keep to themselves. */
interface ProtocolConnection {
  readonly stream: { cork(): void; uncork(): void };
  parse(statement: { name: string; text: string; types: number[] }): void;
  bind(portal: { portal: string; statement: string; values: unknown[] }): void;
  execute(portal: { portal: string; rows: number }): void;
}

/** What `pg` calls of the statement at work, which its types keep to themselves. */
interface Listening {
  submit(connection: ProtocolConnection): unknown;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: ProtocolConnection): void;
  handleEmptyQuery(connection: ProtocolConnection): void;
  handleError(error: Error, connection: ProtocolConnection): void;
  handleReadyForQuery(connection: ProtocolConnection): void;
}

type Answer = (error: Error | null, result: pg.QueryResult) => void;

/**
 * A statement behind others whose results nobody reads, such as `begin` and the settings it runs under.
 *
 * Law: all are one batch of the extended protocol, up to one Sync: after the first that fails, PostgreSQL runs none of
 * the others. So a statement never runs without what was to prepare for it.
 */
class StatementTrain implements pg.Submittable {
  readonly #before: readonly string[];
  readonly #last: Listening;
  #ahead: number;

  constructor(before: readonly string[], config: pg.QueryConfig, answer: Answer) {
    this.#before = before;
    this.#ahead = before.length;
    this.#last = new pg.Query(
      { ...config, queryMode: 'extended' } as pg.QueryConfig,
      answer as never,
    ) as unknown as Listening;
  }

  submit(shared: pg.Connection): void {
    const connection = shared as unknown as ProtocolConnection;
    connection.stream.cork();
    try {
      for (const text of this.#before) {
        connection.parse({ name: '', text, types: [] });
        connection.bind({ portal: '', statement: '', values: [] });
        connection.execute({ portal: '', rows: 0 });
      }
      this.#last.submit(connection);
    } finally {
      connection.stream.uncork();
    }
  }

  handleRowDescription(message: unknown): void {
    this.#last.handleRowDescription(message);
  }

  handleDataRow(message: unknown): void {
    if (this.#ahead === 0) this.#last.handleDataRow(message);
  }

  handleCommandComplete(message: unknown, connection: ProtocolConnection): void {
    if (this.#ahead > 0) this.#ahead -= 1;
    else this.#last.handleCommandComplete(message, connection);
  }

  handleEmptyQuery(connection: ProtocolConnection): void {
    this.#last.handleEmptyQuery(connection);
  }

  handleError(error: Error, connection: ProtocolConnection): void {
    this.#last.handleError(error, connection);
  }

  handleReadyForQuery(connection: ProtocolConnection): void {
    this.#last.handleReadyForQuery(connection);
  }
}

/**
 * Runs a statement behind others, in one round trip.
 *
 * @param before statements without parameters, in their order; their results are dropped
 * @param config the statement, its values as PostgreSQL's text, and the parsers of its results
 * @returns its result
 * @throws DatabaseError of whichever failed first
 */
export function runBehind(
  client: pg.ClientBase,
  before: readonly string[],
  config: pg.QueryConfig,
): Promise<pg.QueryResult> {
  return new Promise((resolve, reject) => {
    client.query(
      new StatementTrain(before, config, (error, result) => (error ? reject(error) : resolve(result))),
    );
  });
}

/** How PostgreSQL finds the groups of a page, as its own record of the statements within the function tells. */
import type pg from 'pg';

/** What finding a page's groups took. */
export interface ListPlan {
  /** Every scan, by kind and by what is scanned. */
  scans: string[];
  /** Rows that an index only scan had to look up in the table after all. */
  heapFetches: number;
  /** Blocks of 8 KB that were looked at. */
  blocks: number;
}

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  'Heap Fetches'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

/** How `list_school_groups` begins the statement that finds the page; the one that is explained. */
const FINDING = 'with found as';

/** Has a superuser's session tell the plan of every statement, those within functions too. */
export async function tellPlans(client: pg.Client): Promise<void> {
  await client.query(`load 'auto_explain'`);
  const settings = {
    log_min_duration: '0',
    log_nested_statements: 'on',
    log_analyze: 'on',
    log_buffers: 'on',
    log_timing: 'off',
    log_format: 'json',
    log_level: 'notice',
  };
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`set auto_explain.${name} = '${value}'`);
  }
}

/**
 * The plan by which a call of the list found its page.
 *
 * @param client a session of `tellPlans`
 * @param call makes the call, once, in that session
 * @throws Error when the call told no such plan
 */
export async function planOfList(client: pg.Client, call: () => Promise<unknown>): Promise<ListPlan> {
  const told: string[] = [];
  const listen = ({ message }: { message?: string | undefined }): void => void told.push(message ?? '');
  client.on('notice', listen);
  try {
    await call();
  } finally {
    client.off('notice', listen);
  }
  for (const message of told) {
    const begin = message.indexOf('{');
    if (!message.startsWith('duration:') || begin < 0) continue;
    const { 'Query Text': text, Plan: plan } = JSON.parse(message.slice(begin)) as {
      'Query Text': string;
      Plan: PlanNode;
    };
    if (!text.startsWith(FINDING)) continue;
    const nodes = allOf(plan);
    return {
      scans: nodes
        .filter((node) => node['Relation Name'] !== undefined || node['Index Name'] !== undefined)
        .map((node) => `${node['Node Type']} ${node['Index Name'] ?? node['Relation Name'] ?? ''}`),
      heapFetches: nodes.reduce((sum, node) => sum + (node['Heap Fetches'] ?? 0), 0),
      blocks: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    };
  }
  throw new Error(`No statement that begins with “${FINDING}” was explained.`);
}

function allOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(allOf)];
}

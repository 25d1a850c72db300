import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import { applyToRow } from '@/core/group-rows.ts';
import { isStateEvent, parseStateMessage } from '@/core/messages.ts';
import { systemClock } from '@/lib/clock.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { connection } from '@/lib/realtime/connection.ts';
import { createRereads } from '@/lib/realtime/rereads.ts';
import { getRegistry } from '@/lib/supabase.ts';
import type { GroupPage } from '../queries.ts';
import type { GroupRow } from './groupRow.ts';

/** Joins of one page come together: one new read answers for all of them. */
const GATHER_MS = 150;

/** When time alone next changes a row; `null` when nothing of theirs is dated. */
function firstChange(rows: readonly GroupRow[]): number | null {
  const instants = rows.map((row) => row.next_at).filter((instant) => instant !== null);
  return instants.length === 0 ? null : Math.min(...instants);
}

/**
 * Keeps the rows on screen live: each follows the topic of its group. After a break in the line the page is
 * read once more, since what was sent in between is gone.
 * @param queryKey where the page lies in the cache.
 * @param ids groups on the page, in order.
 */
export function useLiveGroups(queryKey: QueryKey, ids: readonly string[]): void {
  const queryClient = useQueryClient();
  // Compared by content: a new array of the same groups must not leave and join again.
  const topics = ids.join(' ');
  const key = JSON.stringify(queryKey);

  useEffect(() => {
    if (topics === '') return undefined;
    const pageKey = JSON.parse(key) as QueryKey;
    let gathering: ReturnType<typeof setTimeout> | undefined;
    const rowsNow = () => queryClient.getQueryData<GroupPage>(pageKey)?.groups ?? [];
    const answered = () => {
      connection.confirmed();
      const rows = rowsNow();
      if (rows[0]) rereads.answered(Math.max(...rows.map((row) => row.at)), firstChange(rows));
    };
    const readAgain = () => {
      clearTimeout(gathering);
      gathering = setTimeout(() => {
        const read = queryClient.invalidateQueries({ queryKey: pageKey }, { throwOnError: true });
        // The page's own query shows the failure; nothing is confirmed by it.
        read.then(answered, () => undefined);
      }, GATHER_MS);
    };
    const rereads = createRereads(readAgain, () => document.visibilityState === 'visible', systemClock);

    const receive = (id: string, event: string, payload: unknown) => {
      if (!isStateEvent(event)) return undefined;
      const message = parseStateMessage(event, payload);
      if (!message) return readAgain();
      const catalogue = queryClient.getQueryData(catalogueQuery.queryKey);
      const page = queryClient.getQueryData<GroupPage>(pageKey);
      const row = page?.groups.find((candidate) => candidate.id === id);
      if (!page || !row) return undefined;
      const applied = applyToRow(row, message, catalogue);
      if (applied.kind === 'refetch') return readAgain();
      if (applied.kind === 'dropped') return undefined;
      queryClient.setQueryData<GroupPage>(pageKey, {
        ...page,
        groups: page.groups.map((candidate) => (candidate === row ? applied.shown : candidate)),
      });
      rereads.expect(firstChange(rowsNow()));
      return connection.confirmed();
    };

    const releases = topics.split(' ').map((id) =>
      getRegistry().acquire(`group:${id}`, {
        onEvent: (event, payload) => receive(id, event, payload),
        onJoined: () => {
          rereads.lineIs(true);
          readAgain();
        },
        onLost: () => rereads.lineIs(false),
        onHeartbeat: connection.confirmed,
        onWake: readAgain,
      }),
    );
    return () => {
      clearTimeout(gathering);
      rereads.stop();
      for (const release of releases) release();
    };
  }, [topics, key, queryClient]);
}

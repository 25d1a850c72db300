import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import { isStateEvent, parseStateMessage } from '@/core/stateMessage.ts';
import { catalogueQuery } from '@/lib/queries/catalogue.ts';
import { connection } from '@/lib/realtime/connection.ts';
import { getRegistry } from '@/lib/supabase.ts';
import type { GroupPage } from '../queries.ts';
import { applyToRow } from './groupRow.ts';

/** Joins of one page come together: one new read answers for all of them. */
const GATHER_MS = 150;

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
    const readAgain = () => {
      clearTimeout(gathering);
      gathering = setTimeout(() => {
        void queryClient.invalidateQueries({ queryKey: pageKey }).then(connection.confirmed);
      }, GATHER_MS);
    };

    const receive = (id: string, event: string, payload: unknown) => {
      if (!isStateEvent(event)) return undefined;
      const message = parseStateMessage(event, payload);
      if (!message) return readAgain();
      const catalogue = queryClient.getQueryData(catalogueQuery.queryKey);
      const page = queryClient.getQueryData<GroupPage>(pageKey);
      const row = page?.groups.find((candidate) => candidate.id === id);
      if (!page || !row) return undefined;
      const applied = applyToRow(row, message, catalogue);
      if (applied === 'gap') return readAgain();
      queryClient.setQueryData<GroupPage>(pageKey, {
        ...page,
        groups: page.groups.map((candidate) => (candidate === row ? applied : candidate)),
      });
      return connection.confirmed();
    };

    const releases = topics.split(' ').map((id) =>
      getRegistry().acquire(`group:${id}`, {
        onEvent: (event, payload) => receive(id, event, payload),
        onJoined: readAgain,
        onHeartbeat: connection.confirmed,
        onWake: readAgain,
      }),
    );
    return () => {
      clearTimeout(gathering);
      for (const release of releases) release();
    };
  }, [topics, key, queryClient]);
}

import { getRouteApi, Link } from '@tanstack/react-router';
import { GroupsPage } from '@/features/console/groups/GroupsPage.tsx';
import type { GroupRow } from '@/features/console/groups/groupRow.ts';
import { groupsOf, writeGroups } from '../search.ts';

const route = getRouteApi('/shell/console/groupes');

function groupLink(row: GroupRow) {
  return (
    <Link
      to="/console/groupes/$groupId"
      params={{ groupId: row.id }}
      className="rounded font-semibold underline-offset-2 hover:underline"
    >
      {row.name}
    </Link>
  );
}

/** The groups; search, filters, sorting and page live in the address. */
export function GroupsRoute() {
  const navigate = route.useNavigate();
  const list = groupsOf(route.useSearch());
  return (
    <GroupsPage
      list={list}
      onList={(change) => void navigate({ search: writeGroups({ ...list, ...change }), replace: true })}
      groupLink={groupLink}
    />
  );
}

import { getRouteApi } from '@tanstack/react-router';
import { SchoolsPage } from '@/features/dashboard/schools/SchoolsPage.tsx';
import { schoolsOf, writeSchools } from '../search.ts';

const route = getRouteApi('/shell/ecoles');

/** The schools; search, tab and page live in the address, so that “back” and a bookmark keep them. */
export function SchoolsRoute() {
  const { groupId } = route.useRouteContext();
  const navigate = route.useNavigate();
  const list = schoolsOf(route.useSearch());
  return (
    <SchoolsPage
      groupId={groupId}
      list={list}
      onList={(change) => void navigate({ search: writeSchools({ ...list, ...change }), replace: true })}
    />
  );
}

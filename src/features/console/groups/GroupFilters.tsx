import { SearchField } from '@/components/SearchField.tsx';
import { Select } from '@/components/ui/input.tsx';
import type { CataloguePlan } from '@/core/catalogue.ts';
import { useI18n } from '@/i18n/i18n.ts';
import { GROUP_STATES, type GroupList } from '../groupList.ts';

interface GroupFiltersProps {
  list: GroupList;
  plans: readonly CataloguePlan[];
  onList: (change: Partial<GroupList>) => void;
}

/** Search, plan and state; each change starts again at the first page. */
export function GroupFilters({ list, plans, onList }: GroupFiltersProps) {
  const { t } = useI18n();
  return (
    <div className="flex flex-wrap items-center gap-3 border-b border-line p-3">
      <SearchField
        label={t.console.search}
        value={list.search}
        onSearch={(search) => onList({ search, page: 0 })}
      />
      <Select
        aria-label={t.console.planFilter}
        className="sm:w-auto!"
        value={list.plan ?? ''}
        onChange={(event) => onList({ plan: event.target.value || null, page: 0 })}
      >
        <option value="">{t.console.allPlans}</option>
        {plans.map((plan) => (
          <option key={plan.slug} value={plan.slug}>
            {plan.name}
          </option>
        ))}
      </Select>
      <Select
        aria-label={t.console.stateFilter}
        className="sm:w-auto!"
        value={list.state ?? ''}
        onChange={(event) => {
          const state = GROUP_STATES.find((known) => known === event.target.value) ?? null;
          onList({ state, page: 0 });
        }}
      >
        <option value="">{t.console.allStates}</option>
        {GROUP_STATES.map((state) => (
          <option key={state} value={state}>
            {t.console.stateFilters[state]}
          </option>
        ))}
      </Select>
    </div>
  );
}

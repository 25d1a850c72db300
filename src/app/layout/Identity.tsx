import { useQuery } from '@tanstack/react-query';
import { cn } from '@/components/ui/cn.ts';
import { useI18n } from '@/i18n/i18n.ts';
import { schoolGroupQuery } from '@/lib/queries/schoolGroup.ts';
import type { Profile } from '@/lib/session.ts';

/** Whose account this is: the group (or the console), the person and the role. */
export function Identity({ profile, nameClass }: { profile: Profile; nameClass?: string }) {
  const { t } = useI18n();
  const { data: group } = useQuery(schoolGroupQuery(profile.school_group_id));
  const person = `${profile.first_name} ${profile.last_name}`.trim();
  return (
    <p className="text-[0.8125rem]">
      <span className={cn('block font-semibold', nameClass)}>
        {profile.role === 'super_admin' ? t.app.console : group?.name}
      </span>
      {person && `${person} · `}
      {t.app.roles[profile.role]}
    </p>
  );
}

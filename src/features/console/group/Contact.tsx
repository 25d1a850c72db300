import { Card, CardTitle } from '@/components/ui/card.tsx';
import { useI18n } from '@/i18n/i18n.ts';
import type { GroupDetail } from '../queries.ts';

/** Whom to call before a change. */
export function Contact({ group }: { group: GroupDetail }) {
  const { t } = useI18n();
  const { contact_name: name, contact_email: email, contact_phone: phone } = group;
  const link = 'w-fit rounded break-all text-blue underline underline-offset-2';
  return (
    <Card aria-labelledby="contact" className="grid gap-1 px-4.5 py-4">
      <CardTitle id="contact">{t.console.contact}</CardTitle>
      {name && <p>{name}</p>}
      {email && (
        <a href={`mailto:${email}`} className={link}>
          {email}
        </a>
      )}
      {phone && (
        <a href={`tel:${phone.replace(/[^+\d]/g, '')}`} className={link}>
          {phone}
        </a>
      )}
      {!name && !email && !phone && <p className="text-muted">{t.console.noContact}</p>}
    </Card>
  );
}

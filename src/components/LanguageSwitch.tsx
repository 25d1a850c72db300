import { setLocale, useI18n } from '../i18n/i18n.ts';
import { Segmented } from './ui/segmented.tsx';

/** French or English, at once and remembered on this device. */
export function LanguageSwitch({ ground }: { ground?: 'nav' | 'card' }) {
  const { t, locale } = useI18n();
  return (
    <Segmented
      legend={t.app.language}
      value={locale}
      // Offline the other language cannot be fetched: the switch then stays where it is.
      onChange={(chosen) => void setLocale(chosen).catch(() => undefined)}
      {...(ground && { ground })}
      options={[
        { value: 'fr', label: 'FR' },
        { value: 'en', label: 'EN' },
      ]}
    />
  );
}

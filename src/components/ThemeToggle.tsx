import { Monitor, Moon, Sun } from 'lucide-react';
import { useI18n } from '../i18n/i18n.ts';
import { useTheme } from './theme.ts';
import { Segmented } from './ui/segmented.tsx';

/** System, light or dark; remembered on this device. */
export function ThemeToggle({ ground }: { ground?: 'nav' | 'card' }) {
  const { t } = useI18n();
  const { theme, setTheme } = useTheme();
  return (
    <Segmented
      legend={t.app.theme.legend}
      value={theme}
      onChange={setTheme}
      {...(ground && { ground })}
      options={[
        { value: 'system', label: t.app.theme.system, icon: <Monitor aria-hidden /> },
        { value: 'light', label: t.app.theme.light, icon: <Sun aria-hidden /> },
        { value: 'dark', label: t.app.theme.dark, icon: <Moon aria-hidden /> },
      ]}
    />
  );
}

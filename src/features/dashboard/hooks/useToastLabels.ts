import { useI18n } from '../../../i18n/i18n.ts';

export interface ToastLabels {
  /** Name of the region in which toasts appear. */
  region: string;
  /** Name of the button that closes one. */
  close: string;
}

/** What a screen reader hears of the toasts' host, in the language of the screens. */
export function useToastLabels(): ToastLabels {
  const { t } = useI18n();
  return { region: t.app.notifications, close: t.app.close };
}

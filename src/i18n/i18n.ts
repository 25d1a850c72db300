/**
 * The language of the screens: French first, English on request, remembered on this device.
 * `useI18n()` inside React; `currentI18n()` where there is no component (toasts, plain functions).
 */
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { createFormats, type Formats, type Locale } from '../core/formats.ts';
import { en } from './en.ts';
import { fr, type Messages } from './fr.ts';

const STORAGE_KEY = 'epilot.locale';

export interface I18n {
  locale: Locale;
  /** Every text of the screens, in the current language. */
  t: Messages;
  formats: Formats;
}

const I18NS: Record<Locale, I18n> = {
  fr: { locale: 'fr', t: fr, formats: createFormats('fr') },
  en: { locale: 'en', t: en, formats: createFormats('en') },
};

function storedLocale(): Locale {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'en' ? 'en' : 'fr';
  } catch {
    // Storage may be forbidden (private window, policy): the language is then not remembered.
    return 'fr';
  }
}

const store = createStore<I18n>(() => I18NS[storedLocale()]);

function announceLanguage(locale: Locale): void {
  // Screen readers choose their voice by this attribute.
  if (typeof document !== 'undefined') document.documentElement.lang = locale;
}
announceLanguage(store.getState().locale);

/** Switches every screen to a language and remembers it on this device. */
export function setLocale(locale: Locale): void {
  store.setState(I18NS[locale]);
  announceLanguage(locale);
  try {
    localStorage.setItem(STORAGE_KEY, locale);
  } catch {
    // See storedLocale.
  }
}

/** The current language outside React. */
export function currentI18n(): I18n {
  return store.getState();
}

/** The current language; the component renders again when it changes. */
export function useI18n(): I18n {
  return useStore(store);
}

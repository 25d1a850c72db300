/**
 * The language of the screens: French first, English on request, remembered on this device.
 * `useI18n()` inside React; `currentI18n()` where there is no component (toasts, plain functions).
 */
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { createFormats, type Formats, type Locale } from '../core/formats.ts';
import { fr, type Messages } from './fr.ts';

const STORAGE_KEY = 'epilot.locale';

export interface I18n {
  locale: Locale;
  /** Every text of the screens, in the current language. */
  t: Messages;
  formats: Formats;
}

const FRENCH: I18n = { locale: 'fr', t: fr, formats: createFormats('fr') };

/** English is fetched when it is first wanted: most screens never want it. */
let english: I18n | null = null;

async function loadEnglish(): Promise<I18n> {
  const { en } = await import('./en.ts');
  english ??= { locale: 'en', t: en, formats: createFormats('en') };
  return english;
}

function storedLocale(): Locale {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'en' ? 'en' : 'fr';
  } catch {
    // Storage may be forbidden (private window, policy): the language is then not remembered.
    return 'fr';
  }
}

const store = createStore<I18n>(() => FRENCH);

function show(i18n: I18n): void {
  store.setState(i18n);
  // Screen readers choose their voice by this attribute.
  if (typeof document !== 'undefined') document.documentElement.lang = i18n.locale;
}

/** Takes up the language of this device. Call once, before the first render; without it the screens are French. */
export async function startI18n(): Promise<void> {
  if (storedLocale() === 'en') show(await loadEnglish());
}

/**
 * Switches every screen to a language and remembers it on this device.
 * @throws when English cannot be fetched; the language then stays as it was.
 */
export async function setLocale(locale: Locale): Promise<void> {
  show(locale === 'en' ? await loadEnglish() : FRENCH);
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

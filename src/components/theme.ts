/**
 * The theme: the system's, light or dark. `public/theme.js` applies the stored choice before the first
 * paint; this store applies a change and follows the system while no choice is made.
 */
import { create } from 'zustand';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'epilot.theme';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    // Storage may be forbidden (private window, policy): the choice then lasts as long as the page.
    return 'system';
  }
}

function apply(theme: Theme): void {
  document.documentElement.classList.toggle(
    'dark',
    theme === 'dark' || (theme === 'system' && systemDark.matches),
  );
}

interface ThemeStore {
  theme: Theme;
  setTheme: (theme: Theme) => void;
}

/** The chosen theme and the way to change it. */
export const useTheme = create<ThemeStore>((set) => ({
  theme: stored(),
  setTheme(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above: not kept, applied all the same.
    }
    apply(theme);
    set({ theme });
  },
}));

systemDark.addEventListener('change', () => apply(useTheme.getState().theme));

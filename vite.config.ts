import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/**
 * Sonner writes a `<style>` element when its module loads, which the server's Content-Security-Policy
 * refuses. The same rules are imported as a file by `src/app/styles.css`, so the call is dropped.
 */
function withoutInjectedStyles(): Plugin {
  return {
    name: 'without-injected-styles',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/sonner/dist/index.mjs')) return null;
      const call = /^__insertCSS\(".*"\);$/m;
      if (!call.test(code))
        throw new Error('sonner no longer injects its styles the way vite.config.ts expects');
      return { code: code.replace(call, ''), map: null };
    },
  };
}

export default defineConfig({
  plugins: [withoutInjectedStyles(), react(), tailwindcss()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  optimizeDeps: { exclude: ['sonner'] },
  build: {
    target: 'es2023',
    // A data: URL would need a wider policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npx vite` beside a running `npm start`: the page from Vite, everything else from the server.
    proxy: Object.fromEntries(
      ['/config.json', '/rest', '/auth', '/storage', '/functions', '/health'].map((path) => [
        path,
        'http://127.0.0.1:54321',
      ]),
    ),
  },
});

/**
 * A browser for the web app's own modules in plain Node: a document and a window, and the imports that only a bundler
 * knows. Import it first; import the app's modules after it, dynamically.
 */
import { registerHooks } from 'node:module';
import '../helpers/lightBrowser.ts';

const SRC = new URL('../../src/', import.meta.url);

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@/')) return next(new URL(specifier.slice(2), SRC).href, context);
    // An address of a file, which nothing here fetches.
    if (specifier.includes('?url'))
      return { url: 'data:text/javascript,export default ""', shortCircuit: true };
    return next(specifier, context);
  },
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
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
      if (!call.test(code)) {
        throw new Error('sonner no longer injects its styles the way vite.config.ts expects');
      }
      return { code: code.replace(call, ''), map: null };
    },
  };
}

const LEFT_OUT = ' is left out of this build: see vite.config.ts';

/**
 * Parts of the Supabase client that no screen uses: 13 KB gzip of the first screen. Its classes cannot be
 * shaken off, because the client makes or names each of them; here their modules are empty instead. What is
 * made at the start is an empty class, everything else says so when it is called. A screen that needs a part
 * takes it off this list.
 */
const UNUSED_PARTS: Record<string, { made?: string[]; called?: string[] }> = {
  '@supabase/storage-js': { made: ['StorageClient'], called: ['StorageApiError'] },
  '@supabase/functions-js': {
    called: [
      'FunctionRegion',
      'FunctionsClient',
      'FunctionsError',
      'FunctionsFetchError',
      'FunctionsHttpError',
      'FunctionsRelayError',
    ],
  },
  './lib/webauthn': {
    made: ['WebAuthnApi'],
    called: [
      'browserSupportsWebAuthn',
      'createCredential',
      'deserializeCredentialCreationOptions',
      'deserializeCredentialRequestOptions',
      'getCredential',
      'serializeCredentialCreationResponse',
      'serializeCredentialRequestResponse',
      'webAuthnAbortService',
    ],
  },
  './lib/web3/ethereum': { called: ['createSiweMessage', 'fromHex', 'getAddress', 'toHex'] },
};

function withoutUnusedParts(): Plugin {
  const prefix = '\0unused:';
  return {
    name: 'without-unused-parts',
    apply: 'build',
    enforce: 'pre',
    resolveId(source, importer) {
      const isPart = source in UNUSED_PARTS && importer?.includes('/node_modules/@supabase/');
      return isPart ? `${prefix}${source}` : null;
    },
    load(id) {
      const part = id.startsWith(prefix) && UNUSED_PARTS[id.slice(prefix.length)];
      if (!part) return null;
      const { made = [], called = [] } = part;
      return [
        `const absent = (name) => () => { throw new Error(name + '${LEFT_OUT}'); };`,
        ...made.map((name) => `export class ${name} {}`),
        ...called.map((name) => `export const ${name} = /* @__PURE__ */ absent('${name}');`),
      ].join('\n');
    },
  };
}

interface Range {
  start: number;
  end: number;
}

const namesIn = (text: string): Set<string> => new Set(text.trim().split(/\s+/));

/**
 * Ways to sign in, passkeys and administration that this app does not offer, and the client's own renewal of tokens,
 * which `src/lib/tokens` does instead: methods of two classes, 9 KB gzip. A screen that needs one takes it off this list.
 */
const UNUSED_METHODS: Record<string, Set<string>> = {
  'GoTrueClient.js': namesIn(`
    _getSessionFromURL exchangeCodeForSession _exchangeCodeForSession setSession _setSession signInWithOAuth getUserIdentities
    signUp signInAnonymously signInWithIdToken signInWithOtp signInWithPasskey signInWithSSO
    signInWithEthereum signInWithSolana _handleProviderSignIn _getUrlForProvider verifyOtp resend
    resetPasswordForEmail _reauthenticate getClaims fetchJwk linkIdentityOAuth linkIdentityIdToken
    unlinkIdentity _callRefreshToken _refreshAccessToken refreshSession _refreshSession _startAutoRefresh
    _autoRefreshTokenTick _acquireLock _getAuthenticatorAssuranceLevel _generateRecoveryCodes _regenerateRecoveryCodes
    _unenrollRecoveryCodes _getRecoveryCodesStatus _verifyRecoveryCode _approveAuthorization
    _denyAuthorization _getAuthorizationDetails _listOAuthGrants _revokeOAuthGrant registerPasskey
    _listPasskeys _updatePasskey _deletePasskey _startPasskeyRegistration _verifyPasskeyRegistration
    _startPasskeyAuthentication _verifyPasskeyAuthentication`),
  'GoTrueAdminApi.js': namesIn(`
    inviteUserByEmail generateLink createUser listUsers getUserById updateUserById deleteUser
    _listFactors _deleteFactor _adminListPasskeys _adminDeletePasskey _listOAuthClients
    _createOAuthClient _getOAuthClient _updateOAuthClient _deleteOAuthClient
    _regenerateOAuthClientSecret _listCustomProviders _createCustomProvider _getCustomProvider
    _updateCustomProvider _deleteCustomProvider`),
};

/** Empties those methods. A method that a new version has renamed stops the build instead of staying unnoticed. */
function withoutUnusedMethods(): Plugin {
  return {
    name: 'without-unused-methods',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      const [, file = ''] = /\/@supabase\/auth-js\/dist\/module\/([^/]+)$/.exec(id) ?? [];
      const names = UNUSED_METHODS[file];
      if (!names) return null;
      const classes = this.parse(code).body.flatMap((node) => {
        if (node.type === 'ClassDeclaration') return [node];
        const exported = node.type === 'ExportDefaultDeclaration' && node.declaration;
        return exported && exported.type === 'ClassDeclaration' ? [exported] : [];
      });
      const bodies = (classes[0]?.body.body ?? []).flatMap((member) =>
        member.type === 'MethodDefinition' && member.key.type === 'Identifier' && member.value.body
          ? [{ name: member.key.name, start: member.value.body.start, end: member.value.body.end }]
          : [],
      );
      const unused = bodies.filter(({ name }) => names.has(name));
      if (unused.length !== names.size) {
        throw new Error(
          `${file} of @supabase/auth-js no longer has every method that vite.config.ts empties`,
        );
      }
      const within = ({ start }: Range) => unused.some((other) => other.start < start && start < other.end);
      const cuts = [
        ...unused.map(({ name, ...range }) => ({
          ...range,
          text: `{ throw new Error('${name}${LEFT_OUT}'); }`,
        })),
        // Its notes for its own developers: 1 KB gzip.
        ...[...code.matchAll(/^ *this\._debug\(.*\);$/gm)]
          .map(({ index, 0: { length } }) => ({ start: index, end: index + length, text: ';' }))
          .filter((note) => !within(note)),
      ].toSorted((a, b) => b.start - a.start);
      const emptied = cuts.reduce(
        (text, cut) => text.slice(0, cut.start) + cut.text + text.slice(cut.end),
        code,
      );
      return { code: emptied, map: null };
    },
  };
}

/**
 * Writes what compresses well a second and a third time, as small as it gets: a server would take two seconds for it at
 * the first request. `server/http/static.ts` sends these.
 */
function withCompressedCopies(): Plugin {
  return {
    name: 'with-compressed-copies',
    apply: 'build',
    writeBundle({ dir }, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        const content = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        if (!dir || !/\.(?:css|html|js)$/.test(name) || content.length <= 1_000) continue;
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(content, { params: quality }));
        writeFileSync(join(dir, `${name}.gz`), gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
      }
    },
  };
}

export default defineConfig({
  plugins: [
    withoutInjectedStyles(),
    withoutUnusedParts(),
    withoutUnusedMethods(),
    react(),
    tailwindcss(),
    withCompressedCopies(),
  ],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  optimizeDeps: { exclude: ['sonner'] },
  build: {
    target: 'es2023',
    // A data: URL would need a wider policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What may be large is held by tests/e2e/budget.e2e.ts, which counts what the network carries.
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      // What the first screen needs in one file: fifteen small ones compress 4 KB worse.
      output: { codeSplitting: { groups: [{ name: 'first-screen', tags: ['$initial'] }] } },
    },
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

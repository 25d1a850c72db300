/**
 * Brings a fresh clone to where it can run, then runs a script of the project on the project's own Node:
 *
 *   node scripts/setup.mjs [script [argument…]]
 *
 * It runs before anything is installed, on whatever Node (18 or newer) the machine has: plain JavaScript, and
 * nothing but Node itself and its neighbour `restarts.mjs`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Restarts, endedByFault } from './restarts.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const PROJECT_NODE = join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const BUILD_STAMP = join(ROOT, '.cache', 'web-build');
/** Everything that the built web app depends on. */
const BUILD_INPUTS = ['src', 'public', 'index.html', 'vite.config.ts', 'tsconfig.json', 'package-lock.json'];
/** The one script that is to run for ever. */
const SERVER = 'server/main.ts';
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

if (Number(process.versions.node.split('.')[0]) < 18) {
  fail(`Node ${process.versions.node} is too old to install the project.`, 'Install Node 18 or newer.');
}
process.chdir(ROOT);
installWhenStale();
buildWhenStale();
const [script, ...scriptArguments] = process.argv.slice(2);
if (script) runScript(script, scriptArguments);

/** Installs when what is installed is not what the lock file names. npm writes its record of an install last. */
function installWhenStale() {
  if (isInstalled() && existsSync(PROJECT_NODE)) return;
  console.log('Installing the dependencies…');
  // A lock file written on one platform may lack optional packages of another, which `npm ci` refuses: then
  // the versions of the lock file are installed all the same, and the file is left as it is.
  if (!npm('ci', '--loglevel=silent') && !npm('install', '--no-save', '--loglevel=error')) {
    fail(
      'The dependencies could not be installed.',
      'Check the network and the disk, then repeat the command.',
    );
  }
  if (!existsSync(PROJECT_NODE)) {
    fail(
      'The npm package “node” brought no Node for this machine.',
      'Allow install scripts (npm config set ignore-scripts false), remove node_modules, then repeat the command.',
    );
  }
}

/** Compared by content: a clone, a pull or an install by hand says nothing sure by its times. */
function isInstalled() {
  const record = join(MODULES, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  return Object.entries(packagesOf(join(ROOT, 'package-lock.json'))).every(
    // Optional packages are those of other platforms, too; the first entry is the project itself.
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** Runs npm, the one that runs this script when there is one; tells whether it succeeded. */
function npm(...given) {
  const path = process.env.npm_execpath;
  const [command, ...before] = path ? [process.execPath, path] : ['npm'];
  const { status } = spawnSync(command, [...before, ...given], {
    stdio: 'inherit',
    // npm on Windows is a script, which only a shell can start.
    shell: !path && process.platform === 'win32',
  });
  return status === 0;
}

/** Builds the web app when its sources are not those of the last build. */
function buildWhenStale() {
  if (!existsSync(join(ROOT, 'index.html'))) return;
  const hash = hashOf(BUILD_INPUTS);
  const built = existsSync(join(ROOT, 'dist', 'index.html')) && existsSync(BUILD_STAMP);
  if (built && readFileSync(BUILD_STAMP, 'utf8') === hash) return;
  console.log('Building the web app…');
  const vite = join(MODULES, 'vite', 'bin', 'vite.js');
  const { status } = spawnSync(PROJECT_NODE, [vite, 'build', '--logLevel', 'warn'], {
    stdio: 'inherit',
    env: environment(),
  });
  if (status !== 0)
    fail('The web app could not be built.', 'Mend what is named above, then repeat the command.');
  mkdirSync(dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, hash);
}

/**
 * Runs a script on the project's Node, hands it the signals that arrive here, and ends as it ends. The server is started
 * again when a fault ended it.
 */
function runScript(path, given) {
  const restarts = path === SERVER ? new Restarts() : null;
  let child;
  let waiting;
  let stopping = false;
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      stopping = true;
      if (waiting) endBy(signal);
      else child.kill(signal);
    });
  }
  start();

  function start() {
    waiting = undefined;
    const startedAt = performance.now();
    child = spawn(PROJECT_NODE, [path, ...given], { stdio: 'inherit', env: environment() });
    child.on('exit', (code, signal) => {
      const again = restarts && !stopping && endedByFault(code, signal);
      const pause = again ? restarts.note(startedAt, performance.now()) : null;
      if (pause !== null) {
        console.error(`The server was ended by a fault (${signal ?? `code ${code}`}); starting it again.`);
        waiting = setTimeout(start, pause);
        return;
      }
      if (again) {
        console.error(
          `The server was ended by a fault ${restarts.count} times within a minute, so it is not started again.\n` +
            'Read the lines of level 60 above, mend what they name, then start again.',
        );
      }
      if (signal) endBy(signal);
      else process.exitCode = code ?? 1;
    });
  }

  function endBy(signal) {
    clearTimeout(waiting);
    for (const name of FORWARDED) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  }
}

/** The environment in which `node` and every tool are the project's own. */
function environment() {
  const path = process.env.PATH ?? '';
  return { ...process.env, PATH: `${join(MODULES, '.bin')}${delimiter}${path}` };
}

function hashOf(inputs) {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap((input) => filesIn(join(ROOT, input)))) {
    hash
      .update(`${relative(ROOT, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

function fail(what, remedy) {
  console.error(`${what}\n${remedy}`);
  process.exit(1);
}

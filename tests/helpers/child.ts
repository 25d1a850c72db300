/** Processes that a test starts beside itself. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts a file of TypeScript as a process that messages can be sent to; it should end when its parent is gone. */
export function startChild(file: string): ChildProcess {
  // Not the flags of the caller: a test runner's would break the child.
  return fork(file, { execArgv: [] });
}

/** Kills a process, unless it has ended, and waits until it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

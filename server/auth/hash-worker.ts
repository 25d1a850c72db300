/** A thread that hashes passwords, one at a time. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/bcrypt';

/** What a thread is asked: does this password give this hash, or what hash does it give. */
export type HashTask = { password: string; hash: string } | { password: string; cost: number };
export type HashAnswer = boolean | string;

// Behind everything else this machine does: a sign-in waits, a screen does not. On Linux, pid 0 is this thread alone.
if (process.platform === 'linux') setPriority(0, 10);

parentPort?.on('message', (task: HashTask) => {
  const answer: HashAnswer =
    'hash' in task
      ? verifySync(task.password, task.hash)
      : // The same algorithm under the name that every reader of such hashes knows.
        hashSync(task.password, task.cost).replace(/^\$2[by]\$/, '$2a$');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage(answer);
});

/** The open screens of a run: each in a process of its own, behind a line of its own that can be cut. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endChild, startChild } from '../helpers/child.ts';
import { createCuttableLine, type CuttableLine } from '../helpers/cuttable.ts';
import type { Queryable } from '../helpers/database.ts';
import type { Heard, Page, ScreenNews, ScreenOrder, View } from './messages.ts';
import type { Account } from './stage.ts';
import type { Tally } from './tally.ts';
import { differences, readTruth } from './truth.ts';

/** Longest wait for a screen to be right, milliseconds; how long it took is told, and depends on the machine. */
const DEADLINE_MS = 60_000;
const POLL_MS = 20;

export interface Viewer {
  account: Account;
  page: Page;
}

class Screen {
  readonly viewer: Viewer;
  readonly line: CuttableLine;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(viewer: Viewer, line: CuttableLine, child: ChildProcess) {
    this.viewer = viewer;
    this.line = line;
    this.#child = child;
    this.#ended = once(child, 'exit');
  }

  static async open(serverUrl: string, viewer: Viewer): Promise<Screen> {
    const line = await createCuttableLine(serverUrl);
    const child = startChild(join(import.meta.dirname, 'screen-process.ts'));
    const { email, password } = viewer.account;
    const screen = new Screen(viewer, line, child);
    screen.#order({ kind: 'open', url: line.url, email, password, page: viewer.page });
    return screen;
  }

  /** What it shows, and what it noted since it was last asked. @throws Error when its process has ended */
  async tell(): Promise<ScreenNews> {
    const answer = once(this.#child, 'message') as Promise<[ScreenNews]>;
    this.#order({ kind: 'tell' });
    const ended = this.#ended.then((): never => {
      throw new Error(`The screen of ${this.viewer.account.email} has ended`);
    });
    return (await Promise.race([answer, ended]))[0];
  }

  wake(): void {
    this.#order({ kind: 'wake' });
  }

  async close(): Promise<void> {
    await endChild(this.#child);
    await this.line.stop();
  }

  #order(order: ScreenOrder): void {
    this.#child.send(order);
  }
}

export class Screens {
  readonly #screens: readonly Screen[];
  readonly #groups: readonly string[];
  readonly #tally: Tally;
  #heard: Heard[] = [];

  private constructor(screens: readonly Screen[], groups: readonly string[], tally: Tally) {
    this.#screens = screens;
    this.#groups = groups;
    this.#tally = tally;
  }

  /** Opens the screens; they show something at the first {@link right}. */
  static async open(
    serverUrl: string,
    viewers: readonly Viewer[],
    groups: readonly string[],
    tally: Tally,
  ): Promise<Screens> {
    return new Screens(
      await Promise.all(viewers.map((viewer) => Screen.open(serverUrl, viewer))),
      groups,
      tally,
    );
  }

  get size(): number {
    return this.#screens.length;
  }

  /** Cuts the line of a screen; the result lets it be again. */
  cut(place: number): () => void {
    const { line } = this.#screens[place]!;
    void line.cut();
    return () => void line.restore();
  }

  /** Has a screen be seen again, as after a sleep. */
  wake(place: number): void {
    this.#screens[place]!.wake();
  }

  /**
   * Waits until every screen shows what the rows say. Nobody may be writing.
   *
   * @param since the instant from which the time is counted, Unix milliseconds
   * @param deadlineMs longest wait
   * @returns how long each screen took, milliseconds; those that were not right in time are violations
   */
  async right(db: Queryable, since: number, deadlineMs = DEADLINE_MS): Promise<number[]> {
    const deadline = Date.now() + deadlineMs;
    const delays: number[] = [];
    for (let waiting = this.#screens; waiting.length > 0; await pause(POLL_MS)) {
      const truth = await readTruth(db, this.#groups);
      const isLate = Date.now() > deadline;
      const looked = await Promise.all(
        waiting.map(async (screen) => {
          const news = await screen.tell();
          this.#note(screen, news);
          return { screen, wrong: differences(news.view, truth) };
        }),
      );
      const settled = looked.filter(({ wrong }) => wrong.length === 0 || isLate);
      for (const { screen, wrong } of settled) {
        this.#tally.note(
          'right',
          1,
          wrong.map((what) => `${nameOf(screen)}: ${what}`),
        );
        delays.push(Date.now() - since);
      }
      waiting = looked.filter((each) => !settled.includes(each)).map(({ screen }) => screen);
    }
    return delays;
  }

  /** What is shown now, in the order of the viewers. */
  async look(): Promise<View[]> {
    return Promise.all(
      this.#screens.map(async (screen) => {
        const news = await screen.tell();
        this.#note(screen, news);
        return news.view;
      }),
    );
  }

  /** What was heard on the groups' topics since the last call. */
  takeHeard(): Heard[] {
    const heard = this.#heard;
    this.#heard = [];
    return heard;
  }

  #note(screen: Screen, { notes, heard }: ScreenNews): void {
    for (const { check, made, wrong } of notes) {
      this.#tally.note(
        check,
        made,
        wrong.map((what) => `${nameOf(screen)}: ${what}`),
      );
    }
    this.#heard.push(...heard);
    this.#tally.count('screens', 'messages heard', heard.length);
  }

  async close(): Promise<void> {
    await Promise.all(this.#screens.map((screen) => screen.close()));
  }
}

const nameOf = ({ viewer: { account, page } }: Screen): string =>
  `${page.kind} of ${account.role} ${account.email}`;

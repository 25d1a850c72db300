/** What a screen notes of itself: which revisions it showed, in what order, and what it heard on its topics. */
import { isStateEvent } from '../../src/core/messages.ts';
import type { TopicListener } from '../../src/lib/realtime/registry.ts';
import type { Heard, ScreenNews, View } from './messages.ts';
import type { Check } from './tally.ts';

export class ScreenRecord {
  /** What is on the screen now. */
  view: View = { kind: 'nothing' };
  #notes = new Map<Check, { made: number; wrong: string[] }>();
  #heard: Heard[] = [];
  /** The newest revision shown of each group. */
  readonly #shown = new Map<string, number>();

  /** Notes a check; `wrong` is a sentence when it found something. */
  note(check: Check, wrong: string | null): void {
    const noted = this.#notes.get(check) ?? { made: 0, wrong: [] };
    this.#notes.set(check, noted);
    noted.made += 1;
    if (wrong !== null) noted.wrong.push(wrong);
  }

  /** A revision of a group is on the screen. */
  shows(group: string, rev: number): void {
    const before = this.#shown.get(group);
    if (before === rev) return;
    const backwards = before !== undefined && before > rev;
    this.note('forward', backwards ? `revision ${rev} of ${group} was shown after ${before}` : null);
    this.#shown.set(group, rev);
  }

  /** Listens beside the app on a group's topic: on a joined channel each revision comes, one after the other. */
  listener(topic: string): TopicListener {
    let newest: number | null = null;
    return {
      onJoined: () => {
        newest = null;
      },
      onEvent: (event, payload) => {
        if (!isStateEvent(event)) return;
        const { rev, id } = payload as { rev: number; id: string };
        this.#heard.push({ topic, id, rev });
        // At least once: after a torn feed some come again. None may be missing.
        const gap = newest !== null && rev > newest + 1;
        this.note('heard', gap ? `${topic}: ${rev} came after ${newest}` : null);
        newest = Math.max(rev, newest ?? rev);
      },
    };
  }

  /** All that was noted since the last call. */
  tell(): ScreenNews {
    const news: ScreenNews = {
      view: this.view,
      notes: [...this.#notes].map(([check, { made, wrong }]) => ({ check, made, wrong })),
      heard: this.#heard,
    };
    this.#notes = new Map();
    this.#heard = [];
    return news;
  }
}

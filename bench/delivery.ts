/** Whether every listener got every message that was sent to it once, in order and whole, and no other. */

/** What the listeners of a topic have heard. */
export interface Heard {
  /** Each different message, as its bytes read as text. */
  messages: string[];
  /** What they got, as places in `messages` in the order of arrival, and how many got just that. */
  orders: Array<{ messages: number[]; listeners: number }>;
  /** Listeners whose line was closed. */
  cutOff: number;
}

/** How one message that was sent looks when it arrives. */
export type Looks = (text: string) => boolean;

/**
 * Compares what was sent with what was heard.
 *
 * @param sent every message to these listeners, in the order in which it was sent
 * @param concerns tells messages of this kind from others, which are passed over
 * @returns a sentence for each kind of wrong; empty when all was right
 */
export function findWrongDeliveries(
  sent: readonly Looks[],
  heard: Heard,
  concerns: Looks = () => true,
): string[] {
  const places = heard.messages.map((text) =>
    concerns(text) ? sent.findIndex((looks) => looks(text)) : undefined,
  );
  const listeners = heard.orders.reduce((sum, order) => sum + order.listeners, 0);
  const count = (isWrong: (order: number[]) => boolean): number =>
    heard.orders
      .filter((order) => isWrong(order.messages.flatMap((message) => places[message] ?? [])))
      .reduce((sum, order) => sum + order.listeners, 0);
  const known = (order: number[]): number[] => order.filter((place) => place >= 0);

  const missed = count((order) => new Set(known(order)).size < sent.length);
  const doubled = count((order) => new Set(known(order)).size < known(order).length);
  const disordered = count((order) => {
    const firsts = [...new Set(known(order))];
    return firsts.some((place, index) => index > 0 && place < (firsts[index - 1] as number));
  });
  const strayed = count((order) => order.includes(-1));
  // A binary frame begins with lengths.
  const stray = heard.messages[places.indexOf(-1)]
    ?.replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, 300)
    .trim();
  const of = `of ${listeners} listeners`;
  return [
    ...(missed > 0 ? [`${missed} ${of} missed one or more of ${sent.length} messages.`] : []),
    ...(doubled > 0 ? [`${doubled} ${of} got a message more than once.`] : []),
    ...(disordered > 0 ? [`${disordered} ${of} got messages out of order.`] : []),
    ...(strayed > 0 ? [`${strayed} ${of} got a message that was not sent to them: ${stray}`] : []),
    ...(heard.cutOff > 0 ? [`${heard.cutOff} ${of} were cut off.`] : []),
  ];
}

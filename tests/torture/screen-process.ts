/** A browser of one person with one open page, as a process of its own. */
import './browser.ts';
import type { ScreenNews, ScreenOrder } from './messages.ts';

const { openScreen } = await import('./screen.ts');
const { ScreenRecord } = await import('./screen-record.ts');

const record = new ScreenRecord();

process.on('message', (order: ScreenOrder) => {
  if (order.kind === 'open') void openScreen(order, record);
  else if (order.kind === 'wake') document.dispatchEvent(new window.Event('visibilitychange'));
  else tell(record.tell());
});
process.once('disconnect', () => process.exit());

function tell(news: ScreenNews): void {
  process.send?.(news);
}

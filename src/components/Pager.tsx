import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useI18n } from '../i18n/i18n.ts';
import { Button } from './ui/button.tsx';

interface PagerProps {
  /** Zero-based. */
  page: number;
  pageSize: number;
  total: number;
  onPage: (page: number) => void;
}

/** “1–25 of 3 500” and the two ways from here; nothing when all fits on one page. */
export function Pager({ page, pageSize, total, onPage }: PagerProps) {
  const { t, formats } = useI18n();
  if (total <= pageSize) return null;
  const first = page * pageSize + 1;
  const last = Math.min(total, first + pageSize - 1);
  return (
    <nav aria-label={t.app.pager.label} className="flex items-center justify-between gap-3 px-4 py-3">
      <p className="text-[0.8125rem] text-muted tabular" aria-live="polite">
        {t.app.pager.range(formats.number(first), formats.number(last), formats.number(total))}
      </p>
      <div className="flex gap-2">
        <Button size="sm" disabled={page === 0} onClick={() => onPage(page - 1)}>
          <ChevronLeft aria-hidden />
          {t.app.pager.previous}
        </Button>
        <Button size="sm" disabled={last >= total} onClick={() => onPage(page + 1)}>
          {t.app.pager.next}
          <ChevronRight aria-hidden />
        </Button>
      </div>
    </nav>
  );
}

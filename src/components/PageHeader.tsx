import { useEffect, useRef, type ReactNode } from 'react';

interface PageHeaderProps {
  title: string;
  /** Title of the browser's tab, when it should say more than the heading. */
  documentTitle?: string;
  children?: ReactNode;
}

/** Set once the first page has been shown: from then on a new page takes focus. */
let shownOne = false;

/**
 * The page's only level-1 heading. It names the browser's tab and takes focus when the route changes, so
 * that a keyboard goes on from the top of the page and a screen reader says where it is. The first page
 * after a load is left alone: the browser already announces it.
 */
export function PageHeader({ title, documentTitle, children }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    if (shownOne) heading.current?.focus({ preventScroll: true });
    shownOne = true;
  }, []);

  useEffect(() => {
    document.title = `${documentTitle ?? title} · E-Pilot`;
  }, [title, documentTitle]);

  return (
    <header className="mb-4">
      <h1 ref={heading} tabIndex={-1} className="text-[1.3125rem] leading-tight font-bold tracking-tight">
        {title}
      </h1>
      {children && <div className="mt-1 text-[0.8125rem] text-muted">{children}</div>}
    </header>
  );
}

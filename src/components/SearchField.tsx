import { Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Input } from './ui/input.tsx';

interface SearchFieldProps {
  label: string;
  value: string;
  onSearch: (value: string) => void;
}

/** Long enough that a word typed without pause is one request, short enough to feel instant. */
const PAUSE_MS = 200;

/** A search box that speaks when the typing pauses, or at once on Enter. */
export function SearchField({ label, value, onSearch }: SearchFieldProps) {
  const [text, setText] = useState(value);
  const [outer, setOuter] = useState(value);
  if (outer !== value) {
    // The value changed from outside (back button, reset): it wins over what the box shows.
    setOuter(value);
    if (value !== text.trim()) setText(value);
  }

  useEffect(() => {
    const wanted = text.trim();
    if (wanted === value) return;
    const timer = setTimeout(() => onSearch(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);

  return (
    <search className="relative block w-full sm:max-w-72">
      <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" />
      <Input
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSearch(text.trim());
        }}
        className="pl-9"
      />
    </search>
  );
}

import { CodeStep } from './CodeStep.tsx';
import type { Enrolment } from './queries.ts';
import { useAccountWords } from './words.ts';

interface EnrolSecondFactorProps {
  enrolment: Enrolment;
  confirm: (code: string) => Promise<void>;
  onConfirmed: () => Promise<void>;
  onCancel: () => void;
}

/** In groups of four: a secret is read from one screen and typed on another. */
const grouped = (secret: string) => secret.match(/.{1,4}/g)?.join(' ') ?? secret;

/** Sets the app up, by picture or by hand, and proves it with a code. */
export function EnrolSecondFactor({ enrolment, confirm, onConfirmed, onCancel }: EnrolSecondFactorProps) {
  const words = useAccountWords().factor;
  return (
    <div className="grid gap-4">
      <div className="grid gap-4 sm:grid-cols-[auto_minmax(0,1fr)]">
        {/* Cameras want dark on light, in the dark theme too. */}
        <img
          src={enrolment.picture}
          alt={words.picture}
          width={176}
          height={176}
          className="rounded-lg border border-line bg-white p-2"
        />
        <div className="grid content-start gap-2">
          <p>{words.scan}</p>
          <p className="text-[0.8125rem] text-muted">{words.byHand}</p>
          <code className="rounded-lg bg-blue-tint px-3 py-2 text-[0.8125rem] break-words select-all">
            {grouped(enrolment.secret)}
          </code>
        </div>
      </div>
      <CodeStep
        hint={words.confirmHint}
        action={words.confirm}
        submit={confirm}
        onDone={onConfirmed}
        onCancel={onCancel}
      />
    </div>
  );
}

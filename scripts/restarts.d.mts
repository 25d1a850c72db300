export function endedByFault(code: number | null, signal: string | null): boolean;
export class Restarts {
  note(startedAt: number, endedAt: number): number | null;
  get count(): number;
}

import type { ProcessEnd } from '../../kernel/end.ts';
import type { Output } from '../output.ts';
import { endLine } from './end.ts';
import type { Session } from './session.ts';
import type { RecordingStdio } from './stdio.ts';

export function reportEnd(
  session: Session,
  end: ProcessEnd,
  stdio: RecordingStdio,
  elapsed: number,
  explain: string,
  errors: Output,
): void {
  const line = endLine(end, '');
  if (line !== null) errors.line(line);
}

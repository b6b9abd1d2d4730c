/** The thread that makes and judges runs: see `pool.ts` for the other end. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Answer, Request, WorkerSetup } from './protocol.ts';
import { setUp } from './setup.ts';

const answer = (message: Answer): void => parentPort!.postMessage(message);

try {
  const made = setUp(workerData as WorkerSetup);
  if ('kind' in made) answer(made);
  else {
    answer(made.ready);
    const { campaign } = made;
    parentPort!.on('message', (request: Request) => {
      try {
        if (request.kind === 'learn')
          campaign.learn(request.corpus, request.features, request.reported, request.forgotten);
        else {
          const result =
            request.kind === 'runs'
              ? campaign.runs(request.from, request.to)
              : campaign.inputs(request.cases, request.first);
          answer({ kind: 'done', result, helper: campaign.helperPid });
        }
      } catch (error) {
        answer({ kind: 'broken', message: (error as Error).message });
      }
    });
  }
} catch (error) {
  answer({ kind: 'broken', message: (error as Error).message });
}

import { askService } from '@seaworthy/supervisor'
import type { SagaDetails, ShownStep } from '@seaworthy/supervisor/management'
import type { StepAttempt } from 'seaworthy/saga'
import { dataDirOption } from '../../arguments.ts'
import { asking } from '../../asking.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'

export const showSaga: Command = {
  name: 'saga show',
  summary: 'one saga: its steps with their attempts, errors and compensations, what people decided, and its input without secrets',
  operands: ['SERVICE', 'SAGA_ID'],
  options: { json: { help: 'as JSON' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service = '', id = ''] = args.operands
    const steps: ShownStep[] = []
    let saga: SagaDetails
    do {
      saga = await askService({ service, question: 'saga', parameters: { id, after: steps.length } }, asking(args, env))
      steps.push(...saga.steps)
    } while (saga.isMore && saga.steps.length > 0)
    print(args.flags.has('json') ? JSON.stringify({ ...saga, steps }, null, 2) : describe({ ...saga, steps }))
    return 0
  },
}

function describe(saga: SagaDetails): string {
  const {
    status,
    reason,
    startedAtMs,
    updatedAtMs,
    parent,
    correlationId,
    traceId,
    prunedAtMs,
    choices,
    steps,
    decisions,
    input,
    isInputCut,
  } = saga
  const facts = [
    ['id', saga.id],
    ['saga', `${saga.saga}, version ${saga.version}${saga.outline === null ? ', for which the service has no code' : ''}`],
    ['status', reason === null ? status : `${status}: ${reason}`],
    ['started', timeOf(startedAtMs)],
    ['changed', timeOf(updatedAtMs)],
    ['step of', parent === null ? '' : `${parent.sagaId}, ${parent.step}`],
    ['correlation', correlationId],
    ['trace', traceId ?? ''],
    ['pruned', prunedAtMs === null ? '' : `${timeOf(prunedAtMs)}: its input and its journal are not kept any more`],
    ['possible', possible(choices)],
  ]
  const attempts = steps
    .flatMap((step) => step.attempts.map((attempt) => ({ step, attempt })))
    .toSorted((one, other) => one.attempt.startedAtMs - other.attempt.startedAtMs)
    .map(({ step, attempt }) => attemptRow(step, attempt, startedAtMs))
  const hands = decisions.map(({ atMs, actor, action, step, note }) => [
    timeOf(atMs),
    actor,
    step === '' ? action : `${action} ${step}`,
    note,
  ])
  return printable(
    [
      columns(
        facts.filter(([, value]) => value !== '').map(([name = '', value = '']) => [name, value]),
        '',
      ),
      ...(attempts.length === 0 ? [] : ['', columns([['AFTER', 'STEP', 'WHAT', 'OUTCOME', 'TOOK', 'ERROR'], ...attempts], '')]),
      ...(hands.length === 0 ? [] : ['', columns([['DECIDED', 'BY', 'WHAT', 'WHY'], ...hands], '')]),
      ...(prunedAtMs === null ? ['', input, ...(isInputCut ? ['… (cut)'] : [])] : []),
    ].join('\n'),
  )
}

function possible({ retry, skip, abort }: SagaDetails['choices']): string {
  return [retry ? 'retry' : '', ...skip.map((step) => `skip "${step}"`), abort ? 'abort' : ''].filter((word) => word !== '').join(', ')
}

function attemptRow(
  { step }: ShownStep,
  { what, number, startedAtMs, endedAtMs, outcome, executed, error = '', isByHand }: StepAttempt,
  beganMs: number,
) {
  const effect = outcome === 'failed' && executed !== undefined && executed !== 'no' ? `failed, executed: ${executed}` : outcome
  const name = what === 'decision' ? (isByHand === true ? 'by hand' : 'decision') : what === 'wait' ? what : `${what} ${number}`
  return [
    `+${startedAtMs - beganMs} ms`,
    step,
    name,
    effect,
    endedAtMs === undefined ? '' : `${endedAtMs - startedAtMs} ms`,
    error.replaceAll('\n', ' '),
  ]
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

import { type CallContext, ConfigurationError } from 'seaworthy/core'
import { ACTION_POLICY, COMPENSATION_POLICY, FORWARD_POLICY, type StepPolicy } from './policy.ts'

/**
 * What a step is given. It is a {@link CallContext}: hand it on to whatever is called. Its deadline is the attempt's own, and its
 * idempotency key is the same for every attempt.
 */
export interface StepContext<Input, Results> extends CallContext {
  readonly sagaId: string
  /** `sagaId/step`, the step's name percent-encoded: the same for every attempt and for the compensation. */
  readonly key: string
  readonly idempotencyKey: string
  readonly input: Input
  /** Results of the steps before, by name. They have been through JSON, so that they are the same before and after a crash. */
  readonly results: Results
  /** From 1. */
  readonly attempt: number
}

/** What a compensation is given: the step's key, and its result if there is one. */
export interface CompensationContext<Input, Results, Result> extends StepContext<Input, Results> {
  /** Undefined when the step's outcome stayed unknown. */
  readonly result: Result | undefined
}

/** How a step is undone, or why it need not be. One of the two must be said. */
export type Undo<Input, Results, Result> =
  | {
      /** Undoes the step. Called when the step was done or may have been, so it must bear to find nothing there. */
      readonly compensate: (s: CompensationContext<Input, Results, Result>) => Promise<unknown>
      readonly compensationPolicy?: Partial<StepPolicy>
      readonly compensation?: never
    }
  | {
      /** The step leaves nothing behind that matters: it only reads, or what it wrote ends by itself. */
      readonly compensation: 'not-needed'
      readonly compensate?: never
      readonly compensationPolicy?: never
    }

interface Action<Input, Results, Result> {
  /** Does the step. Its result must be JSON-able. */
  readonly run: (s: StepContext<Input, Results>) => Promise<Result>
}

type With<Results, Name extends string, Result> = Results & { readonly [N in Name]: Result }

/** A declared saga: data and functions, known before anything runs. */
export interface Saga<Input> {
  readonly name: string
  readonly version: number
  readonly steps: readonly Step[]
  /** Never called; it carries the input's type. */
  readonly accepts?: (input: Input) => void
}

/** A saga that may still turn back. */
export interface SagaBeforePivot<Input, Results> extends Saga<Input> {
  /** Adds a step that can be undone, or need not be. */
  step<const Name extends string, Result>(
    name: Name,
    options: Action<Input, Results, Result> & { readonly policy?: Partial<StepPolicy> } & Undo<Input, Results, Result>,
  ): SagaBeforePivot<Input, With<Results, Name, Result>>
  /** Adds the step that decides: refused, all before it is undone; done, all after it will be done. It is never undone. */
  pivot<const Name extends string, Result>(
    name: Name,
    options: Action<Input, Results, Result> & { readonly policy?: Partial<StepPolicy> },
  ): SagaAfterPivot<Input, With<Results, Name, Result>>
}

/** A saga that can only go on. */
export interface SagaAfterPivot<Input, Results> extends Saga<Input> {
  /** Adds a step that is tried until it is done. A final refusal parks the saga for a person. */
  step<const Name extends string, Result>(
    name: Name,
    options: Action<Input, Results, Result> & { readonly forward: true; readonly policy?: Partial<Omit<StepPolicy, 'giveUpAfterMs'>> },
  ): SagaAfterPivot<Input, With<Results, Name, Result>>
}

type Run = (s: StepContext<unknown, unknown>) => Promise<unknown>
type Compensate = (s: CompensationContext<unknown, unknown, unknown>) => Promise<unknown>

/** A step as it is run: types are erased, kinds are told apart. */
export type Step =
  | {
      readonly kind: 'compensatable'
      readonly name: string
      readonly run: Run
      readonly policy: StepPolicy
      readonly compensate: Compensate
      readonly compensationPolicy: StepPolicy
    }
  | { readonly kind: 'no-compensation'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }
  | { readonly kind: 'pivot'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }
  | { readonly kind: 'forward'; readonly name: string; readonly run: Run; readonly policy: StepPolicy }

interface ErasedOptions {
  readonly run: Run
  readonly policy?: Partial<StepPolicy>
  readonly compensate?: Compensate
  readonly compensation?: 'not-needed'
  readonly compensationPolicy?: Partial<StepPolicy>
  readonly forward?: true
}

/**
 * Declares a saga. Raise `version` when the steps change: sagas that are under way go on with the version they began with, so keep that
 * one as long as any is left.
 * @throws ConfigurationError for two steps of one name
 */
export function saga<Input>(name: string, options: { readonly version: number }): SagaBeforePivot<Input, object> {
  if (!Number.isInteger(options.version) || options.version < 1) {
    throw new ConfigurationError(`Saga ${name} has version ${options.version}. Versions are whole numbers from 1.`)
  }
  return new Chain(name, options.version, []) as unknown as SagaBeforePivot<Input, object>
}

class Chain {
  readonly name: string
  readonly version: number
  readonly steps: readonly Step[]

  constructor(name: string, version: number, steps: readonly Step[]) {
    this.name = name
    this.version = version
    this.steps = steps
  }

  step(name: string, options: ErasedOptions): Chain {
    return this.#with(this.steps.some(({ kind }) => kind === 'pivot') ? this.#forward(name, options) : this.#undoable(name, options))
  }

  pivot(name: string, { run, policy }: ErasedOptions): Chain {
    if (this.steps.some(({ kind }) => kind === 'pivot'))
      throw new ConfigurationError(`Saga ${this.name} has a pivot before "${name}" already.`)
    return this.#with({ kind: 'pivot', name, run, policy: { ...ACTION_POLICY, ...policy } })
  }

  // The types refuse what these two throw for; plain JavaScript has no types.
  #forward(name: string, { run, policy, forward }: ErasedOptions): Step {
    if (forward !== true) throw new ConfigurationError(`Step "${name}" of saga ${this.name} is after the pivot: say \`forward: true\`.`)
    return { kind: 'forward', name, run, policy: { ...FORWARD_POLICY, ...policy } }
  }

  #undoable(name: string, { run, policy, compensate, compensation, compensationPolicy }: ErasedOptions): Step {
    const actionPolicy = { ...ACTION_POLICY, ...policy }
    if (compensate !== undefined) {
      const undoPolicy = { ...COMPENSATION_POLICY, ...compensationPolicy }
      return { kind: 'compensatable', name, run, policy: actionPolicy, compensate, compensationPolicy: undoPolicy }
    }
    if (compensation !== 'not-needed') {
      throw new ConfigurationError(`Step "${name}" of saga ${this.name} says neither how it is undone nor that it need not be.`)
    }
    return { kind: 'no-compensation', name, run, policy: actionPolicy }
  }

  #with(step: Step): Chain {
    if (this.steps.some(({ name }) => name === step.name)) {
      throw new ConfigurationError(
        `Saga ${this.name} has two steps named "${step.name}". The name is part of the step's key: give each its own.`,
      )
    }
    return new Chain(this.name, this.version, [...this.steps, step])
  }
}

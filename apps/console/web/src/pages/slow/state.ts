import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { OperationAnswer, OperationsAnswer } from '../../../../src/http/answers.ts'
import { fetchOperation, fetchOperations } from '../../state/api.ts'
import { type Loading, loading } from '../../state/loading.ts'

export interface OperationName {
  readonly service: string
  readonly name: string
}

/** What is asked of the system, and why the one that is looked at is slow at times. */
export class OperationsStore {
  readonly operations = signal<Loading<OperationsAnswer>>({ kind: 'loading' })
  readonly comparison = signal<Loading<OperationAnswer>>({ kind: 'loading' })
  readonly #ending = new AbortController()
  #shown: OperationName | undefined

  start(): () => void {
    void this.#load()
    return () => this.#ending.abort()
  }

  async #load(): Promise<void> {
    const answer = await loading(fetchOperations(this.#ending.signal))
    if (!this.#ending.signal.aborted) this.operations.value = answer
  }

  async show(name: OperationName): Promise<void> {
    this.#shown = name
    this.comparison.value = { kind: 'loading' }
    const answer = await loading(fetchOperation(name, this.#ending.signal))
    // Another one may have been chosen meanwhile.
    if (!this.#ending.signal.aborted && this.#shown === name) this.comparison.value = answer
  }
}

export function useOperations(): OperationsStore {
  const store = useMemo(() => new OperationsStore(), [])
  useEffect(() => store.start(), [store])
  return store
}

import { type StatementResult, type Storage, Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { LockOwner, Stop, Wait, Waiting } from './locks.ts'
import type { Notification, NotificationReceiver, Notifications } from './notifications.ts'
import { NO_ROWS, runStatement } from './run-statement.ts'
import type { PostgresStatement } from './statement.ts'
import { TransactionBlock } from './transaction-block.ts'

/** The server, as its sessions see it. */
export interface SessionHost {
  readonly storage: Storage
  readonly notifications: Notifications
  /** Says that the session can go on; it does so in its turn. */
  schedule(session: Session): void
  /** Says that the session could go on, but that others may go first. @returns false when there are no others */
  yieldTurn(session: Session): boolean
  /** Lets those go on that can, one after another, until all wait or are done. */
  drain(): void
  closed(session: Session): void
}

interface Request {
  readonly statement: PostgresStatement
  readonly resolve: (result: StatementResult) => void
  readonly reject: (error: unknown) => void
  work: Waiting<StatementResult> | undefined
}

/**
 * - `idle`: outside a transaction.
 * - `in-transaction`: between BEGIN and COMMIT, doing nothing.
 * - `failed`: a statement failed, so that the transaction is rolled back and only its end is accepted.
 * - `waiting`: a statement waits for another session.
 * - `closed`: the connection is gone.
 */
export type SessionState = 'idle' | 'in-transaction' | 'failed' | 'waiting' | 'closed'

/**
 * A connection to the model. It runs one statement at a time; those that come meanwhile queue, as in a driver. A statement outside BEGIN and COMMIT is a
 * transaction of its own.
 */
export class Session implements LockOwner, NotificationReceiver {
  readonly name: string
  waitsFor: Wait | undefined
  readonly #host: SessionHost
  readonly #queue: Request[] = []
  readonly #listeners = new Set<(notification: Notification) => void>()
  readonly #undelivered: Notification[] = []
  #running: Request | undefined
  #transaction: TransactionBlock | undefined
  /** Between BEGIN and COMMIT. */
  #explicit = false
  #failed = false
  #interrupt: PostgresModelError | undefined
  #clientIsGone = false
  /** Why the connection was ended. */
  #closedBy: PostgresModelError | undefined
  #closed = false

  /** @internal */
  constructor(name: string, host: SessionHost) {
    this.name = name
    this.#host = host
  }

  get state(): SessionState {
    if (this.#closed) return 'closed'
    if (this.waitsFor !== undefined) return 'waiting'
    if (this.#failed) return 'failed'
    return this.#explicit ? 'in-transaction' : 'idle'
  }

  /** Settles when the statement has ended, which may take until other sessions commit or roll back. @throws PostgresModelError what the server answers */
  execute(statement: PostgresStatement): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      // A client that is gone is answered no more.
      if (this.#clientIsGone) return
      if (this.#closed) {
        reject(this.#closedBy)
        return
      }
      this.#queue.push({ statement, resolve, reject, work: undefined })
      if (this.#running === undefined) this.#startNext()
      this.#host.drain()
    })
  }

  /** Told of each notification on a channel that the session listens on, outside its transactions. @returns a function that stops it */
  onNotification(listener: (notification: Notification) => void): () => void {
    const own = (notification: Notification) => listener(notification)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Ends the statement that waits, if one does, with the error 57014: `pg_cancel_backend`. */
  cancel(): void {
    if (this.waitsFor !== undefined) this.#interruptWith(new PostgresModelError('57014', `The statement of ${this.name} was canceled.`))
    this.#host.drain()
  }

  /** The server ends the connection: the open transaction rolls back, and whoever asks gets the error. `pg_terminate_backend`. */
  terminate(error = new PostgresModelError('57P01', `The connection of ${this.name} was terminated.`)): void {
    this.#close(error)
    this.#host.drain()
  }

  /**
   * The client is gone, and the server has noticed: what is open rolls back. A server at work notices later, so a statement that waits is finished first, and
   * committed if it is a transaction of its own. Nothing that the client waits for ever settles.
   */
  disconnect(): void {
    this.#clientIsGone = true
    this.#queue.length = 0
    if (this.#running === undefined) this.#close(undefined)
    this.#host.drain()
  }

  /** @internal */
  wake(): void {
    this.waitsFor = undefined
    this.#host.schedule(this)
  }

  /** @internal Goes on with the statement until it waits or ends. */
  resume(): void {
    const request = this.#running
    if (request === undefined) return
    try {
      request.work ??= this.#perform(request.statement)
      let step = this.#advance(request.work)
      while (step.done !== true) {
        // To wait, or to let others go first, of whom there may be none.
        if (step.value.kind !== 'turn' || this.#host.yieldTurn(this)) return
        step = this.#advance(request.work)
      }
      const result = step.value
      this.#finish(() => request.resolve(result))
    } catch (error) {
      this.#fail()
      this.#finish(() => request.reject(error))
    }
  }

  /** @internal */
  giveUp(error: PostgresModelError): void {
    this.#interruptWith(error)
  }

  /** @internal */
  receive(notification: Notification): void {
    this.#undelivered.push(notification)
    this.#deliver()
  }

  /** @internal Marks the session as closed without letting anybody go on yet, so that a server can close all at once. */
  close(error: PostgresModelError | undefined): void {
    this.#close(error)
  }

  #advance(work: Waiting<StatementResult>): IteratorResult<Stop, StatementResult> {
    const interrupt = this.#interrupt
    this.#interrupt = undefined
    return interrupt === undefined ? work.next() : work.throw(interrupt)
  }

  #startNext(): void {
    this.#running = this.#queue.shift()
    if (this.#running !== undefined) this.#host.schedule(this)
  }

  *#perform(statement: PostgresStatement): Waiting<StatementResult> {
    if (statement.kind === 'commit' || statement.kind === 'rollback') {
      this.#end(statement.kind)
      return NO_ROWS
    }
    if (this.#failed) throw new PostgresModelError('25P02', `The transaction of ${this.name} is aborted; it can only be ended.`)
    const { storage, notifications } = this.#host
    const transaction = (this.#transaction ??= new TransactionBlock(storage, notifications, this))
    if (statement.kind === 'begin') {
      this.#explicit = true
      return NO_ROWS
    }
    const result = yield* runStatement(statement, new Command(storage, this, transaction), transaction)
    if (!this.#explicit) this.#end('commit')
    return result
  }

  #end(how: 'commit' | 'rollback'): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#explicit = false
    // The transaction of a failed block has been rolled back where it failed.
    this.#failed = false
    transaction?.[how]()
  }

  /** An error rolls the transaction back at once, with its locks; a block stays, and takes nothing but its end. */
  #fail(): void {
    const explicit = this.#explicit
    this.#transaction?.rollback()
    this.#transaction = undefined
    this.#failed = explicit
  }

  #finish(answer: () => void): void {
    this.#running = undefined
    if (this.#clientIsGone) {
      this.#close(undefined)
      return
    }
    answer()
    if (!this.#closed) this.#startNext()
    this.#deliver()
  }

  #interruptWith(error: PostgresModelError): void {
    this.#interrupt = error
    // One that was woken already is scheduled.
    if (this.waitsFor === undefined) return
    this.#host.storage.locks.leaveQueue(this)
    this.#host.schedule(this)
  }

  #close(error: PostgresModelError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#closedBy = error
    for (const request of this.#queue.splice(0)) if (error !== undefined) request.reject(error)
    this.#host.notifications.remove(this)
    if (this.#running === undefined) this.#end('rollback')
    else if (error !== undefined) this.#interruptWith(error)
    this.#host.closed(this)
  }

  #deliver(): void {
    if (this.#closed || this.#clientIsGone || this.#explicit || this.#running !== undefined) return
    for (const notification of this.#undelivered.splice(0)) {
      for (const listener of this.#listeners) listener(notification)
    }
  }
}

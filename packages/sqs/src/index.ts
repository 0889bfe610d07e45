/**
 * Amazon SQS: the library's queue on standard and FIFO queues.
 *
 * The problem: a queue that nobody has to run, with limits and time-outs of its own that most code learns of in production.
 * The guarantee: a send that settled is stored; a message comes again until it is answered, at most as often as its limit says, and is then found among
 * the dead letters with the reason; a lease is refused when its time is up, and each of SQS's limits is a typed error before anything is sent.
 * Not promised: an order on standard queues, ids that are remembered there (what is sent twice comes twice), or exactly-once delivery.
 */
export { type SqsQueueOptions, openSqsQueue } from './queue.ts'
export { SqsError } from './errors.ts'

/**
 * RabbitMQ: the library's queue on quorum queues, and exchanges that a relay publishes events to.
 *
 * The problem: a broker confirms what was sent and waits for what was taken, if it is asked to; by default it does neither, and a restart loses both.
 * The guarantee: a send that settled is written by a majority of the queue's nodes; a message comes again until it is answered, at most as often as
 * its limit says, and is then found among the dead letters with the reason.
 * Not promised: an order, ids that are remembered (what is sent twice comes twice), or exactly-once delivery.
 */
export { type RabbitMqBroker, type RabbitMqBrokerOptions, openRabbitMqBroker } from './broker.ts'
export { type RabbitMqQueueOptions, openRabbitMqQueue } from './queue.ts'
export { type RabbitMqExchangesOptions, openRabbitMqExchanges } from './event-exchanges.ts'
export { DELAY_MS_MAX, DELAY_UNIT_MS } from './delay.ts'

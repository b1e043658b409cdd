// What is remembered of a device that logs in, for its owner's device list.
import type { FastifyRequest } from 'fastify';
import type { Device } from '../accounts/session-service.js';

export function deviceOf(request: FastifyRequest): Device {
  return { ip: request.ip, userAgent: request.headers['user-agent'] ?? '' };
}

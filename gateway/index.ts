// All that other folders may import from gateway/ (web/ui and bench/ also take protocol/ and client/).
export { gatewayError, gatewayErrors } from './errors.js';
export {
  createPublisher,
  type Publisher,
  type PublisherOptions,
  type PublishOutcome,
  type PublishRequest,
} from './publisher.js';

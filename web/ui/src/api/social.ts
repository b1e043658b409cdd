// Following rooms, and the notifications that come of it.
import { call } from './http.js';

export interface Notification {
  id: string;
  kind: string;
  title: string;
  /** Path on this site. */
  link: string;
  createdAt: string;
  isRead: boolean;
}

export interface NotificationPage {
  notifications: Notification[];
  unread: number;
  next?: string;
}

const followPath = (slug: string): string => `/rooms/${encodeURIComponent(slug)}/follow`;

export const followRoom = (slug: string): Promise<unknown> => call('PUT', followPath(slug), {});

export const unfollowRoom = (slug: string): Promise<unknown> =>
  call('DELETE', followPath(slug), {});

export const fetchFollowing = (): Promise<{ slugs: string[] }> => call('GET', '/me/following');

export const fetchNotifications = (): Promise<NotificationPage> => call('GET', '/me/notifications');

/** Marks everything up to this id as read. */
export const markNotificationsRead = (upto: string): Promise<unknown> =>
  call('POST', '/me/notifications/read', { upto });

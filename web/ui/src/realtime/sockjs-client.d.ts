// The build of sockjs-client for browsers; its main file wants Node's `global`.
declare module 'sockjs-client/dist/sockjs.min.js' {
  import SockJS from 'sockjs-client';

  export default SockJS;
}

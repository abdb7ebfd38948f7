// The types of what the service worker finds in its global scope. The view `pwa.service_worker` prepends the constants.

declare const SHELL: string[];
declare const VERSION: string;

declare const clients: Clients;
declare const registration: ServiceWorkerRegistration;
declare function skipWaiting(): Promise<void>;
declare function addEventListener<Type extends keyof ServiceWorkerGlobalScopeEventMap>(
  type: Type,
  listener: (event: ServiceWorkerGlobalScopeEventMap[Type]) => void,
): void;

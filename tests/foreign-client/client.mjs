// Pings and posts once by the published proto and prints what came back as JSON; or, with --refused, a ping that must be refused.
// usage: node client.mjs PROTO_ROOT HOST:PORT KEY [--refused]
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const [protos, target, key, mode] = process.argv.slice(2);
const definition = protoLoader.loadSync(path.join(protos, 'exchange/v1/intake.proto'), {
  includeDirs: [protos], keepCase: true, longs: String, enums: String, defaults: true,
});
const { exchange } = grpc.loadPackageDefinition(definition);
const client = new exchange.v1.IntakeService(target, grpc.credentials.createInsecure());

function call(method, request) {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return new Promise((resolve, reject) => {
    client[method](request, metadata, { deadline: Date.now() + 20_000 }, (error, answer) => error ? reject(error) : resolve(answer));
  });
}

const fields = { zip: '90210', state: 'CA', age: '35', currently_insured: 'true' };
try {
  if (mode === '--refused') {
    await call('Ping', { vertical: 'auto-insurance', fields: { ...fields, nope: '1' } });
  } else {
    const ping = await call('Ping', { vertical: 'auto-insurance', fields, tags: { click_id: 'Cj0K9' } });
    const post = await call('Post', {
      ping_id: ping.ping_id,
      fields: { first_name: 'Node', last_name: 'Client', email: 'node.client@example.com', phone: '+13105550177' },
    });
    console.log(JSON.stringify({ ping, post }));
  }
} catch (error) {
  const details = error.metadata?.get('grpc-status-details-bin')[0];
  console.log(JSON.stringify({ code: error.code, message: error.details, status_details: details ? Buffer.from(details).toString('base64') : null }));
}
client.close();

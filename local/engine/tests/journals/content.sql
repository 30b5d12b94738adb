-- What a journal held that the engine wrote: an execution that succeeded, one that waits for its task token, one that
-- failed and can be redriven, and one that waits for a time. The forms in which it lay are in the other files here.

INSERT INTO meta (key, value) VALUES (
  'token_key',
  x'61644a25da5ad31754e23bc1eca8c766a61ceaa8c60ddc65f158a30209256e35');
INSERT INTO definition (id, text) VALUES (
  1,
  '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","TimeoutSeconds":60,"Next":"B"},"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:b","TimeoutSeconds":60,"End":true}}}');
INSERT INTO definition (id, text) VALUES (
  2,
  '{"QueryLanguage":"JSONata","StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSeconds":3600,"Arguments":{"FunctionName":"ask","Payload":{"token":"{% $states.context.Task.Token %}"}},"End":true}}}');
INSERT INTO definition (id, text) VALUES (
  3,
  '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","TimeoutSeconds":60,"Next":"B"},"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:broken","TimeoutSeconds":60,"End":true}}}');
INSERT INTO definition (id, text) VALUES (
  4,
  '{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1800,"End":true}}}');
INSERT INTO state_machine (arn, name, kind, role_arn, definition, revision, created, updated) VALUES (
  'arn:aws:states:us-east-1:000000000000:stateMachine:ask',
  'ask',
  'STANDARD',
  'arn:aws:iam::000000000000:role/test',
  2,
  'a3f57027-bcb1-4d05-b242-a9719dca480b',
  1800000000000,
  1800000000000);
INSERT INTO state_machine (arn, name, kind, role_arn, definition, revision, created, updated) VALUES (
  'arn:aws:states:us-east-1:000000000000:stateMachine:broken',
  'broken',
  'STANDARD',
  'arn:aws:iam::000000000000:role/test',
  3,
  '8b969e08-3932-4b06-8110-80cf1bfc917b',
  1800000000000,
  1800000000000);
INSERT INTO state_machine (arn, name, kind, role_arn, definition, revision, created, updated) VALUES (
  'arn:aws:states:us-east-1:000000000000:stateMachine:chain',
  'chain',
  'STANDARD',
  'arn:aws:iam::000000000000:role/test',
  1,
  'c9fba417-a2d8-49ed-886c-0f3f03f94ec8',
  1800000000000,
  1800000000000);
INSERT INTO state_machine (arn, name, kind, role_arn, definition, revision, created, updated) VALUES (
  'arn:aws:states:us-east-1:000000000000:stateMachine:wait',
  'wait',
  'STANDARD',
  'arn:aws:iam::000000000000:role/test',
  4,
  '8956ca1f-3f46-4915-833c-f58bd19549ac',
  1800000000000,
  1800000000000);
INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, stopped, input, output, error, cause) VALUES (
  1,
  'arn:aws:states:us-east-1:000000000000:execution:chain:done',
  'arn:aws:states:us-east-1:000000000000:stateMachine:chain',
  'done',
  1,
  'arn:aws:iam::000000000000:role/test',
  'SUCCEEDED',
  1800000000000,
  1800000000000,
  '{"x":1}',
  '{"x":1}',
  NULL,
  NULL);
INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, stopped, input, output, error, cause) VALUES (
  2,
  'arn:aws:states:us-east-1:000000000000:execution:ask:asked',
  'arn:aws:states:us-east-1:000000000000:stateMachine:ask',
  'asked',
  2,
  'arn:aws:iam::000000000000:role/test',
  'RUNNING',
  1800000000000,
  NULL,
  '{}',
  NULL,
  NULL,
  NULL);
INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, stopped, input, output, error, cause) VALUES (
  3,
  'arn:aws:states:us-east-1:000000000000:execution:broken:failed',
  'arn:aws:states:us-east-1:000000000000:stateMachine:broken',
  'failed',
  3,
  'arn:aws:iam::000000000000:role/test',
  'FAILED',
  1800000000000,
  1800000000000,
  '{"x":2}',
  NULL,
  'Broken',
  'for now');
INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, stopped, input, output, error, cause) VALUES (
  4,
  'arn:aws:states:us-east-1:000000000000:execution:wait:waiting',
  'arn:aws:states:us-east-1:000000000000:stateMachine:wait',
  'waiting',
  4,
  'arn:aws:iam::000000000000:role/test',
  'RUNNING',
  1800000000000,
  NULL,
  '{"x":3}',
  NULL,
  NULL,
  NULL);
INSERT INTO progress (seq, state, wake, busy) VALUES (
  2,
  CAST('{"x":{"a":"arn:aws:states:us-east-1:000000000000:execution:ask:asked","n":"asked","m":"arn:aws:states:us-east-1:000000000000:stateMachine:ask","mn":"ask","r":"arn:aws:iam::000000000000:role/test","t":1800000000000,"i":{}},"e":5,"k":1,"b":{"p":5,"s":{"s":0,"e":2,"b":0,"t":1800000000000,"w":{"t":{"k":1,"c":"AAAAAAAAAAIAAAAAAAAAAUHEmJxZlGSS4IdMxD96jcg","n":3600,"d":1800003600000}}}}}' AS BLOB),
  1800003600000,
  0);
INSERT INTO progress (seq, state, wake, busy) VALUES (
  3,
  CAST('{"x":{"a":"arn:aws:states:us-east-1:000000000000:execution:broken:failed","n":"failed","m":"arn:aws:states:us-east-1:000000000000:stateMachine:broken","mn":"broken","r":"arn:aws:iam::000000000000:role/test","t":1800000000000,"i":{"x":2}},"e":11,"k":2,"b":{"p":11,"s":{"s":1,"i":{"x":2},"e":7,"b":6,"t":1800000000000}},"o":{"Failed":{"error":"Broken","cause":"for now"}}}' AS BLOB),
  NULL,
  0);
INSERT INTO progress (seq, state, wake, busy) VALUES (
  4,
  CAST('{"x":{"a":"arn:aws:states:us-east-1:000000000000:execution:wait:waiting","n":"waiting","m":"arn:aws:states:us-east-1:000000000000:stateMachine:wait","mn":"wait","r":"arn:aws:iam::000000000000:role/test","t":1800000000000,"i":{"x":3}},"e":2,"k":0,"b":{"p":2,"s":{"s":0,"e":2,"b":0,"t":1800000000000,"w":{"w":1800001800000}}}}' AS BLOB),
  1800001800000,
  0);
INSERT INTO history (execution, first, events) VALUES (
  1,
  1,
  '[{"timestamp":1800000000.0,"type":"ExecutionStarted","id":1,"previousEventId":0,"executionStartedEventDetails":{"input":"{\"x\":1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/test"}},{"timestamp":1800000000.0,"type":"TaskStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"A","input":"{\"x\":1}","inputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"LambdaFunctionScheduled","id":3,"previousEventId":2,"lambdaFunctionScheduledEventDetails":{"resource":"arn:aws:lambda:us-east-1:000000000000:function:a","input":"{\"x\":1}","inputDetails":{"truncated":false},"timeoutInSeconds":60}},{"timestamp":1800000000.0,"type":"LambdaFunctionStarted","id":4,"previousEventId":3}]');
INSERT INTO history (execution, first, events) VALUES (
  1,
  5,
  '[{"timestamp":1800000000.0,"type":"LambdaFunctionSucceeded","id":5,"previousEventId":4,"lambdaFunctionSucceededEventDetails":{"output":"{\"x\":1}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskStateExited","id":6,"previousEventId":5,"stateExitedEventDetails":{"name":"A","output":"{\"x\":1}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskStateEntered","id":7,"previousEventId":6,"stateEnteredEventDetails":{"name":"B","input":"{\"x\":1}","inputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"LambdaFunctionScheduled","id":8,"previousEventId":7,"lambdaFunctionScheduledEventDetails":{"resource":"arn:aws:lambda:us-east-1:000000000000:function:b","input":"{\"x\":1}","inputDetails":{"truncated":false},"timeoutInSeconds":60}},{"timestamp":1800000000.0,"type":"LambdaFunctionStarted","id":9,"previousEventId":8}]');
INSERT INTO history (execution, first, events) VALUES (
  1,
  10,
  '[{"timestamp":1800000000.0,"type":"LambdaFunctionSucceeded","id":10,"previousEventId":9,"lambdaFunctionSucceededEventDetails":{"output":"{\"x\":1}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskStateExited","id":11,"previousEventId":10,"stateExitedEventDetails":{"name":"B","output":"{\"x\":1}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"ExecutionSucceeded","id":12,"previousEventId":11,"executionSucceededEventDetails":{"output":"{\"x\":1}","outputDetails":{"truncated":false}}}]');
INSERT INTO history (execution, first, events) VALUES (
  2,
  1,
  '[{"timestamp":1800000000.0,"type":"ExecutionStarted","id":1,"previousEventId":0,"executionStartedEventDetails":{"input":"{}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/test"}},{"timestamp":1800000000.0,"type":"TaskStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"Ask","input":"{}","inputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskScheduled","id":3,"previousEventId":2,"taskScheduledEventDetails":{"resource":"invoke.waitForTaskToken","resourceType":"lambda","region":"us-east-1","parameters":"{\"FunctionName\":\"ask\",\"Payload\":{\"token\":\"AAAAAAAAAAIAAAAAAAAAAUHEmJxZlGSS4IdMxD96jcg\"}}","timeoutInSeconds":3600}},{"timestamp":1800000000.0,"type":"TaskStarted","id":4,"previousEventId":3,"taskStartedEventDetails":{"resourceType":"lambda","resource":"invoke.waitForTaskToken"}}]');
INSERT INTO history (execution, first, events) VALUES (
  2,
  5,
  '[{"timestamp":1800000000.0,"type":"TaskSubmitted","id":5,"previousEventId":4,"taskSubmittedEventDetails":{"resourceType":"lambda","resource":"invoke.waitForTaskToken","output":"{\"Payload\":{\"token\":\"AAAAAAAAAAIAAAAAAAAAAUHEmJxZlGSS4IdMxD96jcg\"}}","outputDetails":{"truncated":false}}}]');
INSERT INTO history (execution, first, events) VALUES (
  3,
  1,
  '[{"timestamp":1800000000.0,"type":"ExecutionStarted","id":1,"previousEventId":0,"executionStartedEventDetails":{"input":"{\"x\":2}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/test"}},{"timestamp":1800000000.0,"type":"TaskStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"A","input":"{\"x\":2}","inputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"LambdaFunctionScheduled","id":3,"previousEventId":2,"lambdaFunctionScheduledEventDetails":{"resource":"arn:aws:lambda:us-east-1:000000000000:function:a","input":"{\"x\":2}","inputDetails":{"truncated":false},"timeoutInSeconds":60}},{"timestamp":1800000000.0,"type":"LambdaFunctionStarted","id":4,"previousEventId":3}]');
INSERT INTO history (execution, first, events) VALUES (
  3,
  5,
  '[{"timestamp":1800000000.0,"type":"LambdaFunctionSucceeded","id":5,"previousEventId":4,"lambdaFunctionSucceededEventDetails":{"output":"{\"x\":2}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskStateExited","id":6,"previousEventId":5,"stateExitedEventDetails":{"name":"A","output":"{\"x\":2}","outputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"TaskStateEntered","id":7,"previousEventId":6,"stateEnteredEventDetails":{"name":"B","input":"{\"x\":2}","inputDetails":{"truncated":false}}},{"timestamp":1800000000.0,"type":"LambdaFunctionScheduled","id":8,"previousEventId":7,"lambdaFunctionScheduledEventDetails":{"resource":"arn:aws:lambda:us-east-1:000000000000:function:broken","input":"{\"x\":2}","inputDetails":{"truncated":false},"timeoutInSeconds":60}},{"timestamp":1800000000.0,"type":"LambdaFunctionStarted","id":9,"previousEventId":8}]');
INSERT INTO history (execution, first, events) VALUES (
  3,
  10,
  '[{"timestamp":1800000000.0,"type":"LambdaFunctionFailed","id":10,"previousEventId":9,"lambdaFunctionFailedEventDetails":{"error":"Broken","cause":"for now"}},{"timestamp":1800000000.0,"type":"ExecutionFailed","id":11,"previousEventId":10,"executionFailedEventDetails":{"error":"Broken","cause":"for now"}}]');
INSERT INTO history (execution, first, events) VALUES (
  4,
  1,
  '[{"timestamp":1800000000.0,"type":"ExecutionStarted","id":1,"previousEventId":0,"executionStartedEventDetails":{"input":"{\"x\":3}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/test"}},{"timestamp":1800000000.0,"type":"WaitStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"W","input":"{\"x\":3}","inputDetails":{"truncated":false}}}]');

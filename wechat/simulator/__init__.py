"""A fake WeChat on loopback, to chat with a site and to test it without any account."""

from wechat.simulator.account import OfficialAccount as OfficialAccount
from wechat.simulator.follower import Follower as Follower
from wechat.simulator.follower import Shown as Shown
from wechat.simulator.replies import SERVICE_FAULT as SERVICE_FAULT
from wechat.simulator.sender import Exchange as Exchange
from wechat.simulator.sender import NotLoopback as NotLoopback
from wechat.simulator.simulator import Simulator as Simulator
